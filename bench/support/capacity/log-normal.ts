/**
 * Log-normal factors of mean 1, from uniform numbers in [0, 1) (Box and Muller 1958).
 *
 * @param sigma of the logarithm; 0: always 1
 */
export function logNormal(random: () => number, sigma: number): () => number {
  if (sigma === 0) return () => 1;
  return () => {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    const normal = radius * Math.cos(2 * Math.PI * random());
    return Math.exp(sigma * normal - (sigma * sigma) / 2);
  };
}
