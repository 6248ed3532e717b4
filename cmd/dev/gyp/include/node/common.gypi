# SPDX-License-Identifier: Apache-2.0
# What node-gyp takes for Node's headers: our programs are plain executables, so nothing of Node is compiled in, no header
# is downloaded, and the flags are the same whichever Node runs the build.
{
  'variables': {
    'node_engine%': 'v8',
    'openssl_fips%': '',
    'standalone_static_library%': 1,
  },
  'target_defaults': {
    'default_configuration': 'Release',
    'configurations': {
      'Release': {},
      'Debug': {},
    },
  },
}
