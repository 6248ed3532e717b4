// SPDX-License-Identifier: Apache-2.0

/** Does a job for each item, some at a time. After a failure no further one begins, and it is told when all have ended. */
export async function inParallel<T>(
  limit: number,
  items: readonly T[],
  job: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  const failures: unknown[] = []
  const worker = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const index = next++
      try {
        await job(items[index] as T, index)
      } catch (e: unknown) {
        failures.push(e)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
  if (failures.length > 0) throw failures[0]
}
