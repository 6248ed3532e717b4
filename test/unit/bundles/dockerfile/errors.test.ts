// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { DockerfileError, formatDockerfileError } from '../../../../bundles/dockerfile/located-error.ts'
import { parseDockerfile, parseOnbuildTrigger } from '../../../../bundles/dockerfile/parse.ts'
import { evaluate, openBuild, openStage } from '../../../../bundles/dockerfile/scope.ts'
import { resolveStages } from '../../../../bundles/dockerfile/stages.ts'
import { inputs } from './inputs.ts'

/** Parses, resolves and evaluates all of a file. */
function build(text: string): void {
  const dockerfile = parseDockerfile(text)
  const scope = openBuild(dockerfile, inputs())
  for (const { instructions } of resolveStages(dockerfile, scope)) {
    const stage = openStage(undefined, [])
    for (const { source, instruction } of instructions) evaluate(scope, stage, source, instruction)
  }
}

function errorOf(text: string, run: (text: string) => unknown = build): DockerfileError {
  try {
    run(text)
  } catch (e: unknown) {
    if (e instanceof DockerfileError) return e
    throw e
  }
  throw new Error(`not refused: ${text}`)
}

/** Instruction behind `FROM a` -> what its error says. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  'FOO bar': /unknown instruction FOO/,
  'ruN2 x': /unknown instruction ruN2 \(did you mean RUN\?\)/,
  'cpoy a b': /unknown instruction cpoy \(did you mean copy\?\)/,
  '\\': /a line is continued, but nothing follows/,
  'RUN': /RUN has no command/,
  'RUN []': /RUN has no command/,
  'RUN ["a", 1]': /strings only/,
  'RUN --mount=type=bnd,target=/a x': /type bnd is unknown.*did you mean bind/,
  'RUN --mount=tagret=/a x': /unknown option tagret \(did you mean target\?\)/,
  'RUN --mount x': /--mount: no value/,
  'RUN --mount= x': /the value is empty/,
  'RUN --mount=target x': /target has no value: expected target=VALUE/,
  'RUN --mount=target=/a,ro=maybe x': /ro=maybe is no boolean/,
  'RUN --mount=target=/ x': /the target is \//,
  'RUN --mount=target=/a,sharing=shared x': /type bind has no option sharing/,
  'RUN --mount=target=/a,uid=1 x': /type bind has no option uid/,
  'RUN --mount=target=/a,size=1 x': /type bind has no option size/,
  'RUN --mount=target=/a,required x': /type bind has no option required/,
  'RUN --mount=target=/a,from=$X x': /variables are not put in here/,
  'RUN --mount=type=cache,target=/a,sharing=some x': /sharing=some is unknown: expected shared, private, locked/,
  'RUN --mount=type=cache,target=/a,mode=9 x': /mode=9 is no number: expected octal digits/,
  'RUN --mount=type=cache,target=/a,gid=x x': /gid=x is no number/,
  'RUN --mount=type=cache,target=/a,uid=4294967296 x': /uid=4294967296 is no number/,
  'RUN --mount=type=tmpfs,target=/a,size=big x': /size=big is no size/,
  'RUN --mount=type=secret x': /the secret has no id/,
  'RUN --mount=type=secret,id=a,src=b x': /both id and source/,
  'RUN --mount=type=secret,id=a,from=b x': /type secret has no option from/,
  'RUN --mount=type=ssh,source=a x': /ssh has no source/,
  'RUN --mount=type=bind,\\"target=/a x': /no closing "/,
  'RUN --mount=type=b"in"d,target=/a,a\\"b x': /a quote inside of/,
  'RUN --mount=type=cache,target=/a,uid=$HOME x': /uid= is no number/,
  'RUN --network=bridge x': /--network: bridge is unknown: expected default, none, host/,
  'RUN --network=none --network=none x': /--network is given twice/,
  'RUN --security=off x': /--security: off is unknown/,
  'RUN --device=required x': /--device has no name/,
  'RUN --device=a,b x': /--device: unknown option b/,
  'RUN --device=a,required=x x': /required=x/,
  'COPY': /COPY: no arguments/,
  'COPY a': /COPY: no destination/,
  'COPY --form=x a b': /unknown flag --form \(did you mean --from\?\)/,
  'COPY --link=maybe a b': /--link: "maybe" is no boolean: expected true or false/,
  'COPY --link= a b': /--link: "" is no boolean/,
  'COPY --from a b': /--from: no value/,
  'COPY --from=$x a b': /variables are not put in here/,
  'COPY --from=5 a b': /there is no stage of this number/,
  'COPY --from=0 a b': /does not stand above/,
  'COPY --checksum=x a b': /unknown flag --checksum/,
  'COPY --chmod=0888 a b': /0888 is no mode: expected 0 to 07777/,
  'COPY --chmod=10000 a b': /10000 is no mode/,
  'COPY --chmod=u~x a b': /u~x is no mode/,
  'COPY --exclude=[ a b': /has no closing \]/,
  'COPY [a-] b': /range without an end/,
  'COPY https://example.com/a b': /not in the context: expected ADD/,
  'COPY https://example.com/a.git b': /not in the context/,
  'COPY a <<EOF\nEOF': /a heredoc cannot be the destination/,
  'COPY << EOF b\nEOF': /the heredoc EOF is no source: expected <<EOF/,
  'COPY <<.. b\n..': /cannot be the name of a file/,
  'COPY <<EOF b\nx': /no line ends the heredoc EOF/,
  'COPY <<EOF b\n${x:?no x}\nEOF': /x: no x/,
  'ADD --checksum=sha256:abc https://example.com/a b': /sha256:abc is no digest/,
  'ADD --checksum=sha256:abc a b': /the source is in the context/,
  'ADD --checksum=0123456 https://e.com/a https://e.com/b c': /there are several sources/,
  'ADD --checksum=xyz https://e.com/a.git c': /xyz is no commit/,
  'ADD --checksum=0123456 https://e.com/a.git?checksum=7654321 c': /--checksum is 0123456/,
  'ADD --keep-git-dir=false https://e.com/a.git?keep-git-dir=true c': /--keep-git-dir contradicts/,
  'ADD https://e.com/a.git?foo=1 c': /unknown option foo/,
  'ADD https://e.com/a.git?ref=a#b c': /the ref is b and a/,
  'ADD https://e.com/a.git?ref=a&ref=b c': /ref is given twice/,
  'ADD https://e.com/a.git?ref= c': /ref has no value/,
  'ADD https://e.com/a.git?mtime=now c': /mtime is now/,
  'ADD https://e.com/a.git?submodules=x c': /submodules is x/,
  'ENV': /ENV has no arguments/,
  'ENV PATH': /PATH has no value: expected ENV PATH=VALUE/,
  'ENV a=1 b': /no = in b/,
  'ENV =x': /no name before =/,
  'ENV $unset=x': /the name \$unset is empty/,
  'ENV a="x': /no closing " for a quote/,
  'ENV a=${b': /no closing \}/,
  'ENV --x=y a=b': /unknown flag --x/,
  'ARG': /ARG has no arguments/,
  'ARG =x': /no name before =/,
  'LABEL': /LABEL has no arguments/,
  'LABEL a': /a has no value/,
  'WORKDIR': /WORKDIR has no argument/,
  'WORKDIR --x /a': /unknown flag --x/,
  'USER': /USER has no argument/,
  'EXPOSE': /EXPOSE has no arguments/,
  'EXPOSE x': /x is no port/,
  'EXPOSE 80/http': /80\/http has the protocol http: expected tcp, udp or sctp/,
  'EXPOSE 70000': /70000 is no port/,
  'EXPOSE 90-80': /90-80 is no port/,
  'EXPOSE 1-3:5-6': /ranges of different length/,
  'EXPOSE a.b.c.d:1:2': /a.b.c.d in a.b.c.d:1:2 is no address/,
  'EXPOSE 1-65535/tcp 1-65535/udp 1-65535/sctp 1-65534 2-65535': /more than 196608 ports/,
  'VOLUME': /VOLUME has no arguments/,
  'VOLUME [""]': /a path is empty/,
  'VOLUME $unset': /a path is empty/,
  'SHELL': /SHELL takes a JSON array/,
  'SHELL []': /SHELL takes a JSON array/,
  'SHELL bash -c': /SHELL takes a JSON array: expected \["program", "argument"\]/,
  'CMD': /CMD has no command/,
  'CMD ["a", ["b"]]': /strings only/,
  'ENTRYPOINT': /ENTRYPOINT has no command/,
  'STOPSIGNAL': /STOPSIGNAL has no argument/,
  'STOPSIGNAL SIGTRM': /SIGTRM is no signal \(did you mean SIGTERM\?\)/,
  'STOPSIGNAL 0': /0 is no signal/,
  'MAINTAINER': /MAINTAINER has no argument/,
  'HEALTHCHECK': /HEALTHCHECK has no arguments/,
  'HEALTHCHECK NONE x': /HEALTHCHECK NONE takes no arguments/,
  'HEALTHCHECK --retries=1 NONE': /unknown flag --retries/,
  'HEALTHCHECK CMD': /HEALTHCHECK has no command/,
  'HEALTHCHECK CMD []': /HEALTHCHECK CMD has no command/,
  'HEALTHCHECK TCP 80': /unknown type TCP: expected CMD or NONE/,
  'HEALTHCHECK --interval=5 CMD x': /--interval: 5 is no duration/,
  'HEALTHCHECK --interval=1us CMD x': /1us is too short/,
  'HEALTHCHECK --retries=-1 CMD x': /-1 is no count/,
  'ONBUILD': /ONBUILD has no instruction/,
  'ONBUILD FROM x': /ONBUILD cannot hold FROM/,
  'ONBUILD MAINTAINER x': /ONBUILD cannot hold MAINTAINER/,
  'ONBUILD ONBUILD RUN x': /ONBUILD cannot hold ONBUILD/,
  'ONBUILD FOO x': /unknown instruction FOO/,
  'ONBUILD COPY a': /COPY: no destination/,
  'FROM': /FROM: wrong arguments/,
  'FROM a b': /FROM: wrong arguments/,
  'FROM a AS': /FROM: wrong arguments/,
  'FROM a AS b c': /FROM: wrong arguments/,
  'FROM a AS 1b': /1b cannot be the name of a stage/,
  'FROM --platform=a/b/c/d x': /too many parts/,
  'FROM --platform=strange x': /no known operating system/,
  'FROM --platform= x --other': /FROM: wrong arguments/,
  'FROM --platfrom=linux x': /unknown flag --platfrom \(did you mean --platform\?\)/,
  'FROM $x': /\$x is empty/,
}

for (const [instruction, message] of Object.entries(REFUSED)) {
  test(`refused: ${JSON.stringify(instruction)}`, () => {
    const error = errorOf(`FROM a\n${instruction}\n`)
    assert.match(error.message, message)
    assert.match(error.message, /^Dockerfile:2: /)
    assert.is(error.place.line, 2)
  })
}

test('whole files are refused', () => {
  assert.match(errorOf('').message, /^Dockerfile:1: the file has no instructions: expected FROM$/)
  assert.match(errorOf('# a\n\n# b\n').message, /the file has no instructions/)
  assert.match(errorOf('ARG a\n').message, /the file has no FROM/)
  assert.match(errorOf('RUN a\nFROM b\n').message, /^Dockerfile:1: RUN stands before any FROM/)
  assert.match(errorOf('# escape=x\nFROM a').message, /^Dockerfile:1: escape: x cannot be the escape character/)
  assert.match(errorOf('# escape=`\n# ESCAPE=`\nFROM a').message, /^Dockerfile:2: the directive escape is given twice/)
  assert.match(errorOf('# check=skip\nFROM a').message, /check: unknown option skip/)
  assert.match(errorOf('# check=error=x\nFROM a').message, /check: error=x/)
  assert.match(
    errorOf('# syntax=example.com/my/frontend\nFROM a').message,
    /frontend example.com\/my\/frontend is not run/,
  )
  assert.match(errorOf('ARG a=${\nFROM b').message, /^Dockerfile:1: .*no closing }/)
  assert.match(
    errorOf('ARG PLATFORM=linux\nFROM --platform=$PLATFROM a').message,
    /is empty \(did you mean \$PLATFORM\?\)/,
  )
  assert.match(errorOf('ARG MY_ARCH=a\nFROM --platform=linux/$MYARCH a').message, /did you mean \$MY_ARCH/)
})

test('stages take from those above them only', () => {
  assert.match(errorOf('FROM a AS one\nCOPY --from=one x y').message, /the stage takes from itself/)
  assert.match(errorOf('FROM a AS one\nCOPY --from=two x y\nFROM b AS two').message, /does not stand above/)
  assert.match(errorOf('FROM a\nRUN --mount=from=two,target=/x y\nFROM b AS two').message, /does not stand above/)
  assert.match(
    errorOf('FROM a AS base\nONBUILD COPY --from=late x y\nFROM base\nFROM c AS late').message,
    /^Dockerfile:3: from late: the stage does not stand above/,
  )
})

test('the error knows file, lines and column', () => {
  const error = errorOf('FROM a\nRUN x && \\\n  y\nCOPY \\\n\t--chwon=1 \\\n a b\n', (text) =>
    parseDockerfile(text, { file: 'build/app.Dockerfile' }),
  )
  assert.is(error.message, 'build/app.Dockerfile:5: unknown flag --chwon (did you mean --chown?)')
  assert.equal(error.place.range, { start: 4, end: 6 })
  assert.equal(
    [error.place.file, error.place.line, error.place.column, error.place.length],
    ['build/app.Dockerfile', 5, 1, 7],
  )
  assert.is(formatDockerfileError(error), [error.message, '   5 | \t--chwon=1 \\', '     | \t^^^^^^^'].join('\n'))
})

test('long lines are shown around the mistake', () => {
  const shown = formatDockerfileError(
    errorOf(`FROM a\nCOPY ${'--link '.repeat(1)}${'x'.repeat(500)} --from=a ${'"'}${'y'.repeat(9)}`),
  )
  assert.ok(
    shown.split('\n').every((line) => line.length < 420),
    shown,
  )
  const long = errorOf(`FROM a\n${'Z'.repeat(1_000_000)} x`)
  assert.ok(long.message.length < 500)
  assert.ok(formatDockerfileError(long).length < 1000)
})

test('a trigger of an image is one instruction', () => {
  const parsed = parseOnbuildTrigger('COPY <<EOF /a\nx\nEOF', 'ONBUILD of base')
  assert.is(parsed.instruction.kind, 'copy')
  const parse = (text: string): unknown => parseOnbuildTrigger(text, 'ONBUILD of base')
  assert.match(errorOf('RUN a\nRUN b', parse).message, /^ONBUILD of base:2: the trigger is not one instruction/)
  assert.match(errorOf('FROM a', parse).message, /FROM cannot be a trigger/)
  assert.match(errorOf('ONBUILD RUN a', parse).message, /ONBUILD cannot be a trigger/)
})

test.run()
