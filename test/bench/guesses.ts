/** `bun guesses.ts <url> <a second>`: logs in with ever other wrong passwords from ever other addresses; prints the counts when told to stop. */
const [url = "", perSecond = "1"] = process.argv.slice(2);
const statuses: Record<string, number> = {};
let guesses = 0;

async function guess(): Promise<void> {
  const address = `2001:db8:${(guesses % 65_536).toString(16)}:${(process.pid + (guesses++ >> 16)).toString(16)}::1`;
  const headers = { "content-type": "application/json", "x-forwarded-for": address };
  const body = JSON.stringify({ password: `guess ${guesses}` });
  const { status } = await fetch(`${url}/api/session`, { method: "POST", headers, body });
  statuses[status] = (statuses[status] ?? 0) + 1;
}

setInterval(() => void guess().catch(() => {}), 1000 / Number(perSecond));
process.on("SIGTERM", () => {
  console.log(JSON.stringify({ guesses, statuses }));
  process.exit(0);
});
