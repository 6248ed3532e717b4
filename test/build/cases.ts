// SPDX-License-Identifier: Apache-2.0
// Dockerfiles that are built by tsdock and by buildah: what comes out must be the same.

import { chmodSync, linkSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { runProgram, type Files } from '../helpers/tsdock.ts'

export interface BuildCase {
  readonly name: string
  readonly dockerfile: string
  readonly files?: Files
  /** What files alone cannot say. */
  readonly prepare?: (context: string) => void
  readonly args?: readonly string[]
  /** A line that differs, and why. */
  readonly differs?: readonly (readonly [pattern: RegExp, reason: string])[]
}

const tree: Files = { 'a.txt': 'a', 'b.txt': 'bb', 'dir/c.txt': 'ccc', 'dir/sub/d.txt': 'dddd', 'dir/empty': undefined }

const one = (name: string, body: string, files: Files = tree, more: Partial<BuildCase> = {}): BuildCase => ({
  name,
  dockerfile: `FROM localhost/base\n${body}\n`,
  files,
  ...more,
})

export const cases: readonly BuildCase[] = [
  one('nothing', ''),
  one('RUN makes a file', 'RUN echo hi > /hi'),
  one('RUN in exec form', 'RUN ["/bin/sh", "-c", "echo $0 > /hi", "arg"]'),
  one('RUN removes a file of the base', 'RUN rm /etc/group'),
  one('RUN removes and makes a directory again', 'RUN rm -rf /home && mkdir /home && touch /home/x'),
  one('RUN changes a mode', 'RUN chmod 600 /etc/passwd && chmod 4755 /bin/busybox'),
  one('RUN changes an owner', 'RUN chown 1000:50 /etc/passwd && mkdir /o && chown app:staff /o'),
  one('RUN makes links', 'RUN ln -s /etc/passwd /l1 && ln -s ../x /etc/l2 && echo a > /h1 && ln /h1 /h2'),
  one('RUN makes a fifo', 'RUN mkfifo /fifo'),
  one('RUN replaces a file by a directory', 'RUN rm /etc/group && mkdir /etc/group && touch /etc/group/x'),
  one('RUN replaces a directory by a link', 'RUN rm -rf /home && ln -s /root /home'),
  one('RUN moves a directory', 'RUN mkdir -p /q/w && touch /q/w/e && mv /q /z'),
  one('RUN does nothing', 'RUN true'),
  one('several RUN', 'RUN echo 1 > /n\nRUN echo 2 >> /n\nRUN rm /n && echo 3 > /m'),
  one('RUN sees ENV and ARG', 'ENV A=1\nARG B=2\nARG C\nRUN echo "$A $B ${C:-none}" > /env', tree, {
    args: ['--build-arg', 'C=3'],
  }),
  one('RUN as a user', 'USER app\nRUN id -u > /tmp/id && id -G >> /tmp/id && echo $HOME >> /tmp/id'),
  one('RUN as a numeric user', 'USER 1234:50\nRUN id > /tmp/id'),
  one('RUN in a directory', 'WORKDIR /w/x\nRUN pwd > p'),
  one('continued lines', 'RUN echo a \\\n  b \\\n# comment\n  c > /abc'),
  one('SHELL', 'SHELL ["/bin/sh", "-ec"]\nRUN echo $- > /flags; true'),
  one('COPY a file', 'COPY a.txt /x/y.txt'),
  one('COPY a file into a directory', 'COPY a.txt /x/'),
  one('COPY a file onto a directory that is there', 'COPY a.txt /etc'),
  one('COPY several', 'COPY a.txt b.txt /x/'),
  one('COPY a directory', 'COPY dir /x'),
  one('COPY a directory with a slash', 'COPY dir/ /x/'),
  one('COPY all', 'COPY . /ctx', tree, { args: [] }),
  one('COPY by wildcard', 'COPY *.txt /x/'),
  one('COPY by character class', 'COPY [ab].txt /x/'),
  one('COPY a wildcard of directories', 'COPY di* /x/'),
  one('COPY over a file', 'RUN echo old > /f\nCOPY a.txt /f'),
  one('COPY into a directory that is there', 'RUN mkdir -m 700 /x && touch /x/old\nCOPY dir /x'),
  one('COPY relative to WORKDIR', 'WORKDIR /srv\nCOPY a.txt .\nCOPY dir sub/'),
  one('COPY --chown by numbers', 'COPY --chown=1000:50 dir /x'),
  one('COPY --chown by names', 'COPY --chown=app:staff a.txt /home/app/a'),
  one('COPY --chown with a user alone', 'COPY --chown=app a.txt /home/app/a'),
  one('COPY --chmod', 'COPY --chmod=640 a.txt /x/a'),
  one('COPY keeps modes', 'COPY a.txt b.txt /x/', tree, {
    prepare: (context) => {
      chmodSync(join(context, 'a.txt'), 0o600)
      chmodSync(join(context, 'b.txt'), 0o4755)
    },
    differs: [[/^x\/b\.txt/, 'buildah takes set-id bits away']],
  }),
  one('COPY of a directory with a mode', 'COPY dir /x\nCOPY dir /etc', tree, {
    prepare: (context) => {
      chmodSync(join(context, 'dir'), 0o700)
      chmodSync(join(context, 'dir/sub'), 0o750)
    },
  }),
  one('COPY --chown of a directory, deep', 'COPY --chown=1000:50 dir /m/n/o'),
  one('COPY keeps links in a directory', 'COPY dir /x', tree, {
    prepare: (context) => symlinkSync('sub/d.txt', join(context, 'dir/link')),
  }),
  one('COPY follows a link that is named', 'COPY link /x', tree, {
    prepare: (context) => symlinkSync('a.txt', join(context, 'link')),
  }),
  one('COPY of names of one file', 'COPY dir /x', tree, {
    prepare: (context) => linkSync(join(context, 'dir/c.txt'), join(context, 'dir/c2.txt')),
  }),
  one('COPY through a link of the image', 'RUN mkdir /real && ln -s /real /link\nCOPY a.txt /link/'),
  one('COPY names with blanks', 'COPY ["a b.txt", "/x y/"]', { 'a b.txt': 'x' }),
  one('COPY with variables', 'ARG N=a\nENV D=/dest\nCOPY ${N}.txt $D/${N}', tree),
  one('COPY --from a stage', '', tree, {
    dockerfile:
      'FROM localhost/base AS one\nRUN mkdir /out && echo x > /out/f && chown 1000:50 /out/f && chmod 750 /out\nFROM localhost/base\nCOPY --from=one /out /got\n',
  }),
  one('COPY --from a stage by number', '', tree, {
    dockerfile: 'FROM localhost/base\nRUN echo x > /f\nFROM localhost/base\nCOPY --from=0 /f /g\n',
  }),
  one('COPY --from an image', 'COPY --from=localhost/base /etc/passwd /p'),
  one('.dockerignore', 'COPY . /ctx', {
    ...tree,
    '.dockerignore': '*.txt\n!b.txt\ndir/sub\nDockerfile\n.dockerignore\n',
  }),
  one('.dockerignore with two stars', 'COPY . /ctx', {
    ...tree,
    '.dockerignore': '**/*.txt\n!dir/c.txt\nDockerfile\n.dockerignore\n',
  }),
  one('ADD a file', 'ADD a.txt /x/'),
  one('ADD unpacks', 'ADD t.tar.gz /x/', tree, {
    prepare: (context) => void runProgram('tar', ['-C', context, '-czf', join(context, 't.tar.gz'), 'dir', 'a.txt']),
  }),
  one('ADD unpacks plain tar', 'ADD t.tar /x', tree, {
    prepare: (context) =>
      void runProgram('tar', ['-C', context, '--owner=1000', '--group=50', '-cf', join(context, 't.tar'), 'dir']),
  }),
  one('WORKDIR makes a directory', 'WORKDIR /a/b\nWORKDIR c'),
  one('ENV', 'ENV A=1 B="two words" C=a\\ b\nENV D old form\nENV A=$A:2'),
  one('LABEL', 'LABEL a=1 "b c"="d e" f=\'g\''),
  one('EXPOSE', 'EXPOSE 80 443/tcp 53/udp 8000-8002', tree, {
    differs: [[/^config ExposedPorts/, 'buildah keeps a range as it is written; docker writes each port']],
  }),
  one('VOLUME', 'VOLUME /data /more\nVOLUME ["/x", "/y y"]', tree, {
    differs: [
      [
        /^(x|y y): tsdock nothing/,
        'buildah makes the directories of some volumes; docker makes none before a container runs',
      ],
    ],
  }),
  one('USER, STOPSIGNAL', 'USER app:staff\nSTOPSIGNAL SIGUSR1'),
  one('CMD in both forms', 'CMD echo hi'),
  one('ENTRYPOINT takes CMD of the base away', 'ENTRYPOINT ["/bin/echo"]'),
  one('ENTRYPOINT with CMD', 'ENTRYPOINT ["/bin/echo"]\nCMD ["a", "b"]'),
  one('ENTRYPOINT in shell form', 'ENTRYPOINT exec top'),
  one('MAINTAINER', 'MAINTAINER me <me@example.com>'),
  one('ARG before FROM', '', tree, {
    dockerfile: 'ARG IMG=localhost/base\nARG V=7\nFROM ${IMG}\nARG V\nRUN echo $V > /v\n',
  }),
  one('a target', '', tree, {
    dockerfile:
      'FROM localhost/base AS one\nRUN echo 1 > /1\nFROM one AS two\nRUN echo 2 > /2\nFROM two\nRUN echo 3 > /3\n',
    args: ['--target', 'two'],
  }),
  one('FROM scratch', '', tree, { dockerfile: 'FROM scratch\nCOPY dir /\n' }),
  one('stages in a chain', '', tree, {
    dockerfile: 'FROM localhost/base AS a\nENV X=1\nWORKDIR /a\nFROM a AS b\nRUN echo $X > x\nFROM b\nUSER app\n',
  }),
  one('escape directive', '', tree, { dockerfile: '# escape=`\nFROM localhost/base\nRUN echo a `\n  b > /ab\n' }),
]
