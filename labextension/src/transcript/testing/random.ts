/** Many random cases for a test, the same in every run. */

/** A whole number from 0 up to, but not including, `below`. */
export type Random = (below: number) => number;

/** Call a test with one source of random numbers after the other; a failure names its seed. */
export function randomly(rounds: number, test: (random: Random) => void): void {
  for (let seed = 1; seed <= rounds; seed += 1) {
    let state = seed * 0x9e3779b9;
    const random: Random = below => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
    };
    try {
      test(random);
    } catch (error) {
      (error as Error).message = `seed ${seed}: ${(error as Error).message}`;
      throw error;
    }
  }
}
