/** Letters; fewer are guessed too soon, more are not looked at. */
export const shortestPassword = 8;
export const longestPassword = 256;

/** One form for what looks the same, whatever keyboard it was typed on: Korean letters come in two. */
export function normalPassword(password: string): string {
  return password.normalize("NFKC");
}

/** argon2id as OWASP recommends it, one pass more: 19 MiB and about 50 ms, which a small machine has to spare. */
export function hashPassword(password: string): Promise<string> {
  return Bun.password.hash(normalPassword(password), { algorithm: "argon2id", memoryCost: 19_456, timeCost: 3 });
}
