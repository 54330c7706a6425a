/** Length in characters. Shorter passwords are guessed too easily; longer passwords are rejected unread. */
export const shortestPassword = 8;
export const longestPassword = 256;

/** Normalizes a password. The same Korean text has two encodings, depending on the keyboard. */
export function normalPassword(password: string): string {
  return password.normalize("NFKC");
}

/** Hashes with argon2id. OWASP's recommendation plus one more pass: 19 MiB and about 50 ms, which a small machine can afford. */
export function hashPassword(password: string): Promise<string> {
  return Bun.password.hash(normalPassword(password), { algorithm: "argon2id", memoryCost: 19_456, timeCost: 3 });
}
