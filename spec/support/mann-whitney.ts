/** The median of some numbers. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  const [low = 0, high = 0] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 0 ? (low + high) / 2 : high;
}

/**
 * The two-sided p-value of the test of Mann and Whitney (1947): how likely two samples of one distribution differ as much as
 * these. By the normal approximation with a correction for ties, which is good for twenty values and more.
 */
export function mannWhitney(ones: readonly number[], others: readonly number[]): number {
  const all = [...ones.map((value) => ({ value, own: 1 })), ...others.map((value) => ({ value, own: 0 }))];
  all.sort((one, other) => one.value - other.value);
  let [rankSum, tied, at] = [0, 0, 0];
  while (at < all.length) {
    let end = at;
    while (end + 1 < all.length && all[end + 1]?.value === all[at]?.value) end += 1;
    const rank = (at + end) / 2 + 1;
    for (let each = at; each <= end; each += 1) rankSum += rank * (all[each]?.own ?? 0);
    const count = end - at + 1;
    tied += count ** 3 - count;
    at = end + 1;
  }
  const [n, m, total] = [ones.length, others.length, all.length];
  const u = rankSum - (n * (n + 1)) / 2;
  const variance = ((n * m) / 12) * (total + 1 - tied / (total * (total - 1)));
  return variance === 0 ? 1 : 2 * (1 - normal(Math.abs(u - (n * m) / 2) / Math.sqrt(variance)));
}

/** The distribution function of the standard normal distribution, by Abramowitz and Stegun, 26.2.17. */
function normal(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const [a, b, c, d, e] = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429];
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  return 1 - density * t * (a + t * (b + t * (c + t * (d + t * e))));
}
