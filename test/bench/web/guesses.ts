/**
 * `bun guesses.ts <url> <a second> <home>`: guesses passwords from 10,000 addresses, and each tenth time from the address `home`, in turn
 * on the login page and as a program; prints the counts when told to stop.
 */
const [url = "", perSecond = "1", home = ""] = process.argv.slice(2);
const statuses: Record<string, number> = {};
let guesses = 0;

async function guess(): Promise<void> {
  const n = guesses++;
  const address = n % 10 === 0 ? home : `10.${n % 40}.${(n >> 3) % 250}.${n % 251}`;
  const word = `guess ${n}`;
  const { status } =
    n % 2 === 0
      ? await fetch(`${url}/api/session`, {
          method: "POST",
          headers: { "content-type": "application/json", "x-forwarded-for": address },
          body: JSON.stringify({ password: word }),
        })
      : await fetch(`${url}/metrics`, {
          headers: { authorization: `Basic ${btoa(`prometheus:${word}`)}`, "x-forwarded-for": address },
        });
  statuses[status] = (statuses[status] ?? 0) + 1;
}

setInterval(() => void guess().catch(() => {}), 1000 / Number(perSecond));
process.on("SIGTERM", () => {
  console.log(JSON.stringify({ guesses, statuses }));
  process.exit(0);
});
