# SPDX-License-Identifier: Apache-2.0
# The programs in C. `cmd/dev/build.ts` runs node-gyp with CC=musl-gcc where that exists: `tsrun` is linked statically, with
# musl or else glibc. tsrun-seccomp is built with the host compiler, as libseccomp belongs to the host's libc: hence its toolset.
{
  'variables': {
    'libc%': 'glibc',
    'multiarch%': '<!(gcc -print-multiarch)',
    'version%': 'unknown',
    'commit%': 'unknown',
    'libseccomp%': 'unknown',
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
      'target_name': 'tsrun-seccomp',
      'type': 'executable',
      'toolsets': ['host'],
      'sources': ['<!@(find csrc/seccomp -name "*.c")'],
      'defines': ['_FORTIFY_SOURCE=2'],
      'libraries': ['-lseccomp'],
    },
  ],
}
