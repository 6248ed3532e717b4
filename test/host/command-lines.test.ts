// SPDX-License-Identifier: Apache-2.0
// Hundreds of command lines, good and bad, and what runc and tsrun make of them: exit status, outputs, logs, files, and the state
// of the container. What runc answers is recorded in test/golden/command-lines/runc.json, so that no runc is needed here;
// deliberate differences are in test/helpers/command-lines/differences.ts, with tsrun's answers in tsrun.json.
//
// On tsrun, its answers are compared; on runc (TSRUN_RUNTIME=runc), the recording is. TSRUN_WRITE_GOLDEN=1 writes the recording
// of the runtime under test anew; that of tsrun with docs/differences-from-runc.md.

import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import * as assert from 'uvu/assert'
import { type Answer, answerOf, makeContainer, removeContainer } from '../helpers/command-lines/answer.ts'
import { type Case, nameOf } from '../helpers/command-lines/case.ts'
import { subjects } from '../helpers/command-lines/cases.ts'
import { differenceOf, differences, faultOf, wording } from '../helpers/command-lines/differences.ts'
import { differencesPage } from '../helpers/command-lines/page.ts'
import { readRecording, runcFile, sameAnswer, tsrunFile, writeRecording } from '../helpers/command-lines/recording.ts'
import { needsFile } from '../helpers/host.ts'
import { isTsrun, runtimeName, runtimeVersion } from '../helpers/runtime.ts'
import { hostSuite } from '../helpers/suite.ts'
import { projectDir } from '../helpers/work-dir.ts'

const { test, run } = hostSuite('command lines')
const writes = process.env['TSRUN_WRITE_GOLDEN'] === '1'
const page = join(projectDir, 'docs/differences-from-runc.md')
const cases = Object.values(subjects).flat()
const runc = readRecording(runcFile)
const tsrun = readRecording(tsrunFile)

/** 1.3 of `runc 1.3.6+ds1`. */
function series(runtime: string): string {
  return /^\w+ \d+\.\d+/.exec(runtime)?.[0] ?? ''
}

const isRecorded = runtimeName === 'runc' && series(`runc ${runtimeVersion}`) === series(runc.runtime)

/** The answer that the runtime under test has to give. */
function expected(testCase: Case): Answer | undefined {
  const name = nameOf(testCase)
  return (isTsrun ? tsrun.answers[name] : undefined) ?? runc.answers[name]
}

const answers: Record<string, Answer> = {}

for (const [subject, list] of Object.entries(subjects)) {
  test(
    subject,
    async () => {
      const wrong: string[] = []
      for (const testCase of list) {
        if ((testCase.needs ?? []).some((need) => need() !== undefined)) continue
        const name = nameOf(testCase)
        const container = await makeContainer(testCase)
        try {
          const answer = await answerOf(testCase, container)
          answers[name] = answer
          if (writes || sameAnswer(answer, expected(testCase))) continue
          wrong.push(`${name}\n  is  ${JSON.stringify(answer)}\n  not ${JSON.stringify(expected(testCase))}`)
        } finally {
          removeContainer(container)
        }
      }
      assert.ok(wrong.length === 0, `${wrong.length} answers are others than those recorded:\n${wrong.join('\n')}`)
    },
    {
      timeoutMs: 120_000,
      needs: [() => (isTsrun || isRecorded || writes ? undefined : `the recording is that of ${series(runc.runtime)}`)],
      differsFrom: { crun: 'has words of its own' },
    },
  )
}

function write(): void {
  mkdirSync(dirname(runcFile), { recursive: true })
  const runtime = `${runtimeName} ${runtimeVersion}`
  if (!isTsrun) {
    writeRecording(runcFile, { runtime, answers })
    return
  }
  const others = Object.entries(answers).filter(([name, answer]) => !sameAnswer(answer, runc.answers[name]))
  const recording = { runtime, answers: Object.fromEntries(others) }
  writeRecording(tsrunFile, recording)
  writeFileSync(page, differencesPage(cases, runc, recording))
}

if (writes) {
  test('the recording is written', write)
} else if (isTsrun) {
  test('every line has a name of its own, and is recorded', () => {
    const names = cases.map(nameOf)
    assert.equal([...new Set(names)], names)
    assert.equal(Object.keys(runc.answers).sort(), [...names].sort())
  })

  test('every difference is one of words alone, or has a reason', () => {
    const faults = cases.flatMap((testCase) => {
      const name = nameOf(testCase)
      const [theirs, ours] = [runc.answers[name], tsrun.answers[name] ?? runc.answers[name]]
      if (theirs === undefined || ours === undefined) return []
      const fault = faultOf(testCase, theirs, ours)
      return fault === undefined ? [] : [`${name}: ${fault}`]
    })
    assert.equal(faults, [])
  })

  test('every reason has a difference, and every difference a line', () => {
    const differing = cases.filter((testCase) => nameOf(testCase) in tsrun.answers)
    const used = new Set(differing.map(differenceOf))
    assert.equal(
      differences.filter((difference) => !used.has(difference)).map(({ title }) => title),
      [],
    )
    assert.is(differing.length, Object.keys(tsrun.answers).length)
    assert.ok(used.has(wording))
  })

  test(
    'docs/differences-from-runc.md is up to date',
    () => {
      assert.is(readFileSync(page, 'utf8'), differencesPage(cases, runc, tsrun), 'TSRUN_WRITE_GOLDEN=1 writes it')
    },
    { needs: [needsFile(page)] },
  )

  test(
    'the runc that is here answers as it is recorded',
    () => {
      const { status, stdout } = spawnSync(process.execPath, [import.meta.filename], {
        env: { ...process.env, TSRUN_RUNTIME: 'runc', FORCE_COLOR: '0' },
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      assert.is(status, 0, stdout)
      assert.match(stdout, new RegExp(`Passed: +${Object.keys(subjects).length}`))
    },
    {
      timeoutMs: 180_000,
      needs: [
        () => {
          const [, version] =
            /^runc version (\S+)/.exec(spawnSync('runc', ['--version'], { encoding: 'utf8' }).stdout ?? '') ?? []
          if (version === undefined) return `no runc on PATH (the recording is that of ${runc.runtime})`
          const here = series(`runc ${version}`)
          return here === series(runc.runtime)
            ? undefined
            : `${here} is here, and the recording is that of ${runc.runtime}`
        },
      ],
    },
  )
}

run()
