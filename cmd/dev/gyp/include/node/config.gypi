# SPDX-License-Identifier: Apache-2.0
{ 'target_defaults': {}, 'variables': {} }
