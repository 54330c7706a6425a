/** True for an address or name by which a machine reaches only itself. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, "").toLowerCase();
  const name = bare.startsWith("::ffff:") ? bare.slice(7) : bare;
  return name === "localhost" || name.endsWith(".localhost") || name === "::1" || /^127\.\d+\.\d+\.\d+$/.test(name);
}
