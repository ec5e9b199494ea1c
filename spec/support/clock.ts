/** A clock that stands still until it is moved. */
export interface TestClock {
  (): number;
  /** Moves the clock, forwards or, with a negative number, back. */
  advance(seconds: number): void;
}

export function testClock(start = Date.UTC(2026, 0, 1)): TestClock {
  let now = start;
  const clock = () => now;
  clock.advance = (seconds: number) => {
    now += seconds * 1000;
  };
  return clock;
}
