# SPDX-License-Identifier: Apache-2.0
# The programs in C. `cmd/dev/build.ts` runs node-gyp with CC=musl-gcc where that exists: `tsrun` is linked statically, with
# musl or else glibc. tsrun-seccomp and tsrun-systemd are built with the host compiler, as their libraries belong to the host's libc:
# hence their toolset.
{
  'variables': {
    'libc%': 'glibc',
    'multiarch%': '<!(gcc -print-multiarch)',
    'version%': 'unknown',
    'commit%': 'unknown',
    'libseccomp%': 'unknown',
    # '' where it is missing: then a program that says so is built.
    'libsystemd%': '',
  },
  'target_defaults': {
    'cflags!': ['-fPIC'],
    'cflags': [
      '-Os',
      '-Wall',
      '-Wextra',
      '-Werror',
      '-Wshadow',
      '-Wmissing-prototypes',
      '-Wstrict-prototypes',
      '-Wvla',
      '-Wformat=2',
      '-Werror=switch',
      '-fstack-protector-strong',
      '-fno-asynchronous-unwind-tables',
      '-ffunction-sections',
      '-fdata-sections',
    ],
    'cflags_c': ['-std=gnu11'],
    'ldflags': ['-Wl,--gc-sections', '-Wl,-z,relro,-z,now', '-Wl,-z,noexecstack', '-s'],
    'defines!': ['USING_UV_SHARED=1', 'USING_V8_SHARED=1', 'V8_DEPRECATION_WARNINGS=1'],
    'defines': [
      '_GNU_SOURCE=',
      'TSRUN_VERSION="<(version)"',
      'TSRUN_COMMIT="<(commit)"',
      'TSRUN_LIBSECCOMP="<(libseccomp)"',
    ],
  },
  'targets': [
    {
      'target_name': 'tsrun',
      'type': 'executable',
      'sources': ['<!@(find csrc/base csrc/plan csrc/ops csrc/exec csrc/front -name "*.c")'],
      'ldflags': ['-static'],
      'conditions': [
        [
          'libc=="musl"',
          {
            # musl has no kernel headers of its own.
            'cflags': ['-idirafter /usr/include', '-idirafter /usr/include/<(multiarch)'],
          },
          { 'defines': ['_FORTIFY_SOURCE=2'] },
        ],
      ],
    },
    {
      'target_name': 'tsdock-files',
      'type': 'executable',
      'sources': ['<!@(find csrc/base csrc/files -name "*.c")'],
      'ldflags': ['-static'],
      'conditions': [
        [
          'libc=="musl"',
          {
            # musl has no kernel headers of its own.
            'cflags': ['-idirafter /usr/include', '-idirafter /usr/include/<(multiarch)'],
          },
          { 'defines': ['_FORTIFY_SOURCE=2'] },
        ],
      ],
    },
    {
      'target_name': 'tsdock-net',
      'type': 'executable',
      'sources': ['<!@(find csrc/base csrc/net -name "*.c")'],
      'ldflags': ['-static'],
      'conditions': [
        [
          'libc=="musl"',
          {
            # musl has no kernel headers of its own.
            'cflags': ['-idirafter /usr/include', '-idirafter /usr/include/<(multiarch)'],
          },
          { 'defines': ['_FORTIFY_SOURCE=2'] },
        ],
      ],
    },
    {
      'target_name': 'tsdock-rootless',
      'type': 'executable',
      'sources': ['<!@(find csrc/base csrc/rootless -name "*.c")'],
      'ldflags': ['-static'],
      'conditions': [
        [
          'libc=="musl"',
          {
            # musl has no kernel headers of its own.
            'cflags': ['-idirafter /usr/include', '-idirafter /usr/include/<(multiarch)'],
          },
          { 'defines': ['_FORTIFY_SOURCE=2'] },
        ],
      ],
    },
    {
      'target_name': 'tsdock-monitor',
      'type': 'executable',
      'sources': ['<!@(find csrc/base csrc/monitor -name "*.c")'],
      'ldflags': ['-static'],
      'conditions': [
        [
          'libc=="musl"',
          {
            # musl has no kernel headers of its own.
            'cflags': ['-idirafter /usr/include', '-idirafter /usr/include/<(multiarch)'],
          },
          { 'defines': ['_FORTIFY_SOURCE=2'] },
        ],
      ],
    },
    {
      'target_name': 'tsdock-init',
      'type': 'executable',
      'sources': ['csrc/init/main.c'],
      'ldflags': ['-static'],
      'conditions': [
        [
          'libc=="musl"',
          {
            # musl has no kernel headers of its own.
            'cflags': ['-idirafter /usr/include', '-idirafter /usr/include/<(multiarch)'],
          },
          { 'defines': ['_FORTIFY_SOURCE=2'] },
        ],
      ],
    },
    {
      'target_name': 'tsrun-seccomp',
      'type': 'executable',
      'toolsets': ['host'],
      'sources': ['<!@(find csrc/seccomp -name "*.c")'],
      'defines': ['_FORTIFY_SOURCE=2'],
      'libraries': ['-lseccomp'],
    },
    {
      'target_name': 'tsrun-systemd',
      'type': 'executable',
      'toolsets': ['host'],
      'defines': ['_FORTIFY_SOURCE=2', 'TSRUN_LIBSYSTEMD="<(libsystemd)"'],
      'conditions': [
        [
          'libsystemd!=""',
          { 'sources': ['<!@(find csrc/systemd -maxdepth 1 -name "*.c")'], 'libraries': ['-lsystemd'] },
          { 'sources': ['csrc/systemd/stub/main.c'] },
        ],
      ],
    },
  ],
}
