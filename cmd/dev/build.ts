// SPDX-License-Identifier: Apache-2.0
// `npm run build`: the programs of dist/bin. With names as arguments: only these steps.

import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { runSteps, type Step } from './steps.ts'

const project = join(import.meta.dirname, '../..')
process.chdir(project)
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string }

/** What a command prints, or undefined when it cannot run. */
function output(program: string, ...args: readonly string[]): string | undefined {
  const result = spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  return result.status === 0 ? result.stdout.trim() : undefined
}

/** Runs a command quietly. Returns undefined, or what it printed when it failed. */
function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): string | undefined {
  const result = spawnSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
    maxBuffer: 64 << 20,
  })
  if (result.error !== undefined) {
    return `${program}: ${result.error.message}`
  }
  return result.status === 0 ? undefined : `${result.stdout}${result.stderr}`.replace(/^gyp ERR!.*\n/gm, '')
}

const SD_BUS = '/usr/include/systemd/sd-bus.h'
const commit = output('git', 'rev-parse', '--short=12', 'HEAD') ?? 'unknown'
const musl = output('musl-gcc', '-dumpversion') !== undefined
const compiler = `${musl ? 'musl-gcc' : 'gcc'} ${output('gcc', '-dumpfullversion') ?? 'missing'}`
const libseccomp = output('pkg-config', '--modversion', 'libseccomp') ?? 'unknown'
/** Of the library that can be linked against: pkg-config need not be there. '' without one. */
const libsystemd = output('pkg-config', '--modversion', 'libsystemd') ?? (existsSync(SD_BUS) ? 'unknown' : '')
const cSettings = [version, commit, compiler, libseccomp, libsystemd]
const planSettings = [version, commit, libseccomp, libsystemd, process.versions['bun'] ?? '']

/** Builds one target of binding.gyp. node-gyp knows npm's settings from the environment: none of them concerns us. */
function buildC(target: string): string | undefined {
  const env: NodeJS.ProcessEnv = { ...process.env, CC_host: 'gcc', LINK_host: 'gcc' }
  env['CC'] = env['LINK'] = musl ? 'musl-gcc' : 'gcc'
  for (const name of Object.keys(env)) {
    if (/^npm_/i.test(name)) {
      delete env[name]
    }
  }
  const nodeGyp = ['node_modules/node-gyp/bin/node-gyp.js', '--loglevel=error']
  const variables = [`-Dlibc=${musl ? 'musl' : 'glibc'}`, `-Dversion=${version}`, `-Dcommit=${commit}`]
  const libraries = [`-Dlibseccomp=${libseccomp}`, `-Dlibsystemd=${libsystemd}`]
  return (
    run('node', [...nodeGyp, 'configure', `--nodedir=${project}/cmd/dev/gyp`, '--', ...variables, ...libraries], env) ??
    run('node', [...nodeGyp, 'build', '--jobs=2', target], env) ??
    install(`build/Release/${target}`, target)
  )
}

/** Puts a program into dist/bin, replacing one that may be running. */
function install(from: string, name: string): undefined {
  mkdirSync('dist/bin', { recursive: true })
  const target = `dist/bin/${name}`
  copyFileSync(from, `${target}.new`)
  chmodSync(`${target}.new`, 0o755)
  renameSync(`${target}.new`, target)
  return undefined
}

/** Bundles one program into a file that depends on nothing. */
function bundle(entry: string, outfile: string, ...flags: readonly string[]): string | undefined {
  const defines = [
    `process.env.TSRUN_VERSION=${JSON.stringify(version)}`,
    `process.env.TSRUN_COMMIT=${JSON.stringify(commit)}`,
    `process.env.TSRUN_LIBSECCOMP=${JSON.stringify(libseccomp)}`,
    `process.env.TSRUN_LIBSYSTEMD=${JSON.stringify(libsystemd)}`,
    // yargs asks where it lies. Bytecode of scripts has no import.meta, and that of modules takes 1 ms longer to load.
    'import.meta.url="file:///$bunfs/root/tsrun-plan"',
    'import.meta.resolve=String',
    // What the bundler writes for require() in modules that are not ESM.
    'import.meta.require=require',
  ].flatMap((define) => ['--define', define])
  const common = ['--minify', '--target=bun', '--conditions=bun']
  return run(process.execPath, ['build', ...common, ...defines, ...flags, entry, `--outfile=${outfile}`])
}

/** Makes one program of bundles that lie below dist/plan; the first one is where it starts. */
function compile(name: string, entries: readonly string[], ...more: readonly string[]): string | undefined {
  const flags = ['--compile', '--bytecode', '--minify', '--target=bun', '--root=dist/plan', ...more]
  const closed = ['--no-compile-autoload-dotenv', '--no-compile-autoload-bunfig']
  const files = entries.map((one) => `dist/plan/${one}.js`)
  return run(process.execPath, ['build', ...flags, ...closed, ...files, `--outfile=dist/${name}`]) ?? moveTo(name)
}

function moveTo(name: string): undefined {
  install(`dist/${name}`, name)
  rmSync(`dist/${name}`)
}

/**
 * The planner and the command line, side by side in one program. They are bundled one by one: together, the modules that
 * both use would be wrapped to be loaded when needed, which takes the planner 1 ms.
 */
function buildPlanner(): string | undefined {
  const external = '--external=*/tsrun/cli.js'
  return (
    bundle('cmd/tsrun/cli.ts', 'dist/plan/tsrun/cli.js') ??
    bundle('cmd/tsrun-plan.ts', 'dist/plan/tsrun-plan.js', external) ??
    compile('tsrun-plan', ['tsrun-plan', 'tsrun/cli'], external)
  )
}

const buildDock = (): string | undefined =>
  bundle('cmd/tsdock.ts', 'dist/plan/tsdock.js') ?? compile('tsdock', ['tsdock'])

const gyp = ['binding.gyp', 'cmd/dev/gyp/**', 'cmd/dev/build.ts']
const typescript = [
  'cmd/*.ts',
  'bundles/**/*.ts',
  'cmd/{tsrun,tsdock}/**/*.ts',
  'runtime/**/*.ts',
  'spec/*.ts',
  'spec/{rules,runtime,image,generated}/*.ts',
]
/** Targets of binding.gyp, and what they are made of. */
const cPrograms = [
  ['tsrun', '{base,plan,ops,exec,front}'],
  ['tsdock-files', '{base,files}'],
  ['tsdock-net', '{base,net}'],
  ['tsdock-rootless', '{base,rootless}'],
  ['tsdock-monitor', '{base,monitor}'],
  ['tsdock-init', 'init'],
  ['tsrun-seccomp', 'seccomp'],
  ['tsrun-systemd', 'systemd'],
] as const
const steps: readonly Step[] = [
  {
    name: 'validators',
    inputs: ['spec/generate.ts', 'spec/shorten.ts', 'spec/schema/**', 'package-lock.json'],
    outputs: ['config-validator', 'document-validator', 'image-validator', 'field-names'].map(
      (name) => `spec/generated/${name}.ts`,
    ),
    settings: [],
    run: () => run(process.execPath, ['spec/generate.ts']),
  },
  ...cPrograms.map(
    ([name, sources]): Step => ({
      name,
      inputs: [...gyp, `csrc/${sources}/**`],
      outputs: [`dist/bin/${name}`],
      settings: cSettings,
      run: () => buildC(name),
    }),
  ),
  {
    name: 'tsrun-plan',
    inputs: [...typescript, 'cmd/dev/build.ts', 'package-lock.json'],
    outputs: ['dist/bin/tsrun-plan'],
    settings: planSettings,
    run: buildPlanner,
  },
  {
    name: 'tsdock',
    inputs: [...typescript, 'cmd/dev/build.ts', 'package-lock.json'],
    outputs: ['dist/bin/tsdock'],
    settings: planSettings,
    run: buildDock,
  },
]

const wanted = process.argv.slice(2)
const unknown = wanted.find((name) => !steps.some((step) => step.name === name))
if (unknown !== undefined) {
  process.stderr.write(`no build step "${unknown}"; there are: ${steps.map((step) => step.name).join(' ')}\n`)
  process.exit(1)
}
const failed = runSteps(
  steps.filter((step) => wanted.length === 0 || wanted.includes(step.name)),
  'dist/stamps',
)
process.exit(failed.length === 0 ? 0 : 1)
