/** Gives tests random cases that are the same in every run. */

/** A whole number from 0 up to, but not including, `below`. */
export type Random = (below: number) => number;

/** Run a test many times, each time with other random numbers. The message of a failure names the seed. */
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
