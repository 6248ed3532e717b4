// SPDX-License-Identifier: Apache-2.0

/** The version of the runtime specification that is implemented. */
export const specVersion = '1.3.0'
