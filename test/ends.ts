/** What is undone after each test, the last first: `each-test.ts` does it, for files that share a process as well. */

export const ends: (() => unknown)[] = []

export async function undone(): Promise<void> {
  for (const end of ends.splice(0).reverse()) await end()
}
