// SPDX-License-Identifier: Apache-2.0
import type { Rule } from '../rule.ts'

/**
 * Each policy takes its own parameters; the kernel refuses the others with a bare EINVAL.
 * Spec: config.md#linux-process
 */
export const scheduler: Rule = {
  name: 'scheduler',
  section: 'config.md#linux-process',
  field: '/process/scheduler',
  process: true,
  check({ process }, report) {
    const scheduler = process?.scheduler
    if (scheduler === undefined) return
    const { policy, nice = 0, priority = 0, runtime = 0, deadline = 0, period = 0 } = scheduler
    const at = '/process/scheduler'
    if (nice < -20 || nice > 19) report(`${at}/nice`, `${nice} is out of range: give a value from -20 to 19`)
    if (policy === 'SCHED_FIFO' || policy === 'SCHED_RR') {
      if (priority < 1 || priority > 99)
        report(`${at}/priority`, `${priority} does not suit ${policy}: give a priority from 1 to 99`)
    } else if (priority !== 0) {
      report(
        `${at}/priority`,
        `${priority} does not suit ${policy}: only SCHED_FIFO and SCHED_RR take a priority, remove it`,
      )
    }
    if (policy !== 'SCHED_DEADLINE') {
      for (const [name, value] of Object.entries({ runtime, deadline, period })) {
        if (value !== 0) report(`${at}/${name}`, `does not suit ${policy}: only SCHED_DEADLINE takes it, remove it`)
      }
    } else if (runtime < 1024) {
      report(`${at}/runtime`, `${runtime} is too short: give at least 1024 nanoseconds`)
    } else if (runtime > deadline || (period !== 0 && deadline > period)) {
      report(at, `needs runtime <= deadline <= period, but has ${runtime}, ${deadline}, ${period}: correct them`)
    }
  },
}
