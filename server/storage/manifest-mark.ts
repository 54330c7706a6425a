/** Is a stored manifest, byte for byte, as it was written? False also for one that carries no checksum of its own. */
export function isAsWritten(text: string): boolean {
  const own = /,\n {2}"manifest_sha256": "([0-9a-f]{64})"\n\}\n$/.exec(text);
  return own !== null && sha256Of(`${text.slice(0, own.index)}\n}\n`) === own[1];
}

/** SHA-256 of a text, hex. */
export function sha256Of(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex");
}
