/** An address as guesses are counted: IPv4 whole, of IPv6 the /64, which one customer has to himself. */
export function networkOf(address: string): string {
  return address.includes(":") ? groupsOf(address, 4) : address;
}

/** The /48 of an IPv6 address, which one customer may have as well; null for IPv4. */
export function siteNetworkOf(address: string): string | null {
  return address.includes(":") ? `${groupsOf(address, 3)}/48` : null;
}

function groupsOf(address: string, count: number): string {
  const [head = "", tail] = (address.split("%")[0] ?? "").split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array.from({ length: zeros }, () => "0"), ...right];
  return groups
    .slice(0, count)
    .map((group) => group.replace(/^0+(?=.)/, "").toLowerCase())
    .join(":");
}
