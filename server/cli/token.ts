import { join } from "node:path";
import {
  createSecret,
  idOf,
  parseToken,
  printToken,
  type Token,
  type TokenScope,
  tokenPath,
  tokenScopes,
  tokensFolder,
} from "../http/auth/tokens/token-file.ts";
import { parseUses, type TokenUse, usesFile } from "../http/auth/tokens/token-uses.ts";
import { didYouMean } from "../platform/did-you-mean.ts";
import { OperatorError } from "../platform/errors.ts";
import { syncFolder, writePrivately } from "../platform/files/durable-files.ts";
import { existsSync, readdirSync, readFileSync, unlinkSync } from "../platform/files/files.ts";
import type { Command, Flags, Terminal } from "./framework/command.ts";
import { dataDirOf, settingFlags } from "./framework/config-flags.ts";
import { type Column, tableLines } from "./terminal/table.ts";

/** Upper bound for tokens; each is a file. */
const mostTokens = 200;
const meanings: Readonly<Record<TokenScope, string>> = {
  metrics: "/metrics alone, for Prometheus",
  read: "the read API and live WebSockets as well, for notebooks",
  download: "archives as well",
  act: "everything that the page can do",
};

/** `rt-data token` */
export const token: Command = {
  name: "token",
  summary: "create, list and revoke tokens, with which programs get in without the password",
  topics: [
    ["create", "create a token and print it; it cannot be shown again"],
    ["list", "list the tokens, with their last use"],
    ["revoke", "end a token at once, its open WebSockets included"],
  ],
  operand: { value: "NAME", help: "name of the token, for people", topics: ["create", "revoke"] },
  flags: {
    scope: {
      value: tokenScopes.join("|"),
      help: `${tokenScopes.map((scope) => `${scope}: ${meanings[scope]}`).join("; ")}`,
    },
    expires: { value: "DURATION", help: "lifetime, such as 12h, 90d or 1w (default: until it is revoked)" },
    ...Object.fromEntries(Object.entries(settingFlags).filter(([name]) => name === "config" || name === "data-dir")),
    json: { value: null, help: "the list as JSON" },
  },
  examples: [
    ["rt-data token create prometheus --scope metrics > token", "a file for Prometheus: credentials_file"],
    ["rt-data token create notebook --scope download --expires 90d", "for a notebook, for a quarter of a year"],
    [
      "curl -H 'Authorization: Bearer rtd_…' http://127.0.0.1:8000/api/status",
      "use it; as password of HTTP Basic it works too",
    ],
    ["rt-data token revoke notebook", "end it"],
  ],
  notes: [
    "Tokens lie in the data folder, as hashes. A running recorder sees a change at once. A lifetime is counted by the recorder, and only while",
    "its clock agrees with the exchange's. The last use is up to a minute old. Tokens count if http.password_hash or",
    "http.trusted_user_header is set; otherwise everybody may see everything.",
  ],
  async run(flags, terminal) {
    const dataDir = dataDirOf(flags);
    if (!existsSync(dataDir)) {
      const advice = "start the recorder once, or name its folder with --data-dir or --config";
      throw new OperatorError(`the data folder ${dataDir} does not exist; ${advice}`);
    }
    if (flags.topic === "create") return create(dataDir, flags, terminal);
    return flags.topic === "revoke" ? revoke(dataDir, flags, terminal) : list(dataDir, flags, terminal);
  },
};

function create(dataDir: string, flags: Flags, { print }: Terminal): number {
  const name = flags.operand ?? "";
  if (!/^[A-Za-z0-9][\w.-]{0,63}$/.test(name))
    throw new OperatorError(`the name "${name}" is not accepted; give letters, digits, ".", "_" or "-", at most 64`);
  const scope = tokenScopes.find((candidate) => candidate === flags.scope);
  if (scope === undefined) {
    const given = flags.scope === undefined ? "--scope is missing" : `--scope ${flags.scope} is not accepted`;
    throw new OperatorError(`${given}${didYouMean(flags.scope ?? "", tokenScopes)}; give ${tokenScopes.join(", ")}`);
  }
  const tokens = readTokens(dataDir);
  if (tokens.some((known) => known.name === name))
    throw new OperatorError(
      `there is a token ${name} already; revoke it first (rt-data token revoke ${name}), or choose another name`,
    );
  if (tokens.length >= mostTokens) throw new OperatorError(`there are ${mostTokens} tokens already; revoke some first`);
  const secret = createSecret();
  const fresh: Token = {
    id: idOf(secret),
    name,
    scope,
    created_us: Date.now() * 1000,
    lifetime_s: secondsOf(flags.expires),
  };
  writePrivately(tokenPath(tokensFolder(dataDir), fresh.id), printToken(fresh), dataDir);
  print(secret);
  if (process.stdout.isTTY) print("\nKeep it: it cannot be shown again. It works at once.");
  return 0;
}

function revoke(dataDir: string, { operand: name = "" }: Flags, { print }: Terminal): number {
  const tokens = readTokens(dataDir);
  const gone = tokens.filter((known) => known.name === name);
  if (gone.length === 0) {
    const names = tokens.map((known) => known.name);
    const all = names.length === 0 ? "there are no tokens" : `tokens: ${names.join(", ")}`;
    throw new OperatorError(`there is no token ${name}${didYouMean(name, names)}; ${all}`);
  }
  for (const { id } of gone) unlinkSync(tokenPath(tokensFolder(dataDir), id));
  syncFolder(tokensFolder(dataDir));
  print(`revoked ${name}: from now on it is refused`);
  return 0;
}

const columns: readonly Column[] = ["name", "scope", "created", "expires", "last use"].map((heading) => ({
  ...{ heading, align: "left", dropped: 0 },
}));

function list(dataDir: string, flags: Flags, { print }: Terminal): number {
  const uses = readUses(dataDir);
  const tokens = readTokens(dataDir).map((known) => ({ ...known, ...endOf(known, uses.get(known.id)) }));
  if (flags.json !== undefined) {
    print(JSON.stringify(tokens.map(({ id: _, ...shown }) => shown)));
    return 0;
  }
  const rows = tokens.map((known) => [
    known.name,
    known.scope,
    dateOf(known.created_us),
    expiryOf(known),
    known.last_use_us === null ? "never" : dateOf(known.last_use_us),
  ]);
  if (rows.length === 0) print("no tokens; rt-data token create NAME --scope SCOPE creates one");
  else for (const line of tableLines(columns, rows, Number.POSITIVE_INFINITY)) print(line);
  return 0;
}

type Shown = Token & ReturnType<typeof endOf>;

function endOf({ lifetime_s }: Token, use: TokenUse | undefined) {
  const from = use?.from_us ?? null;
  return {
    expires_us: lifetime_s === null || from === null ? null : from + lifetime_s * 1_000_000,
    is_expired: use?.is_expired ?? false,
    last_use_us: use?.used_us ?? null,
  };
}

function expiryOf({ lifetime_s, expires_us, is_expired }: Shown): string {
  if (lifetime_s === null) return "never";
  if (is_expired) return "expired";
  // The recorder begins to count when it has seen the token.
  const lifetime = lifetime_s % 86_400 === 0 ? `${lifetime_s / 86_400} d` : `${lifetime_s / 3600} h`;
  return expires_us === null ? `after ${lifetime}` : dateOf(expires_us);
}

/** Reads all tokens, by name. Files that are no tokens are left out. */
function readTokens(dataDir: string): readonly Token[] {
  const folder = tokensFolder(dataDir);
  const tokens = (existsSync(folder) ? readdirSync(folder) : []).flatMap((file): Token[] => {
    const id = /^([0-9a-f]{64})\.json$/.exec(file)?.[1];
    const known = id === undefined ? null : parseToken(id, readFileSync(tokenPath(folder, id), "utf8"));
    return known === null ? [] : [known];
  });
  return tokens.toSorted((a, b) => a.name.localeCompare(b.name));
}

function readUses(dataDir: string): ReadonlyMap<string, TokenUse> {
  try {
    return parseUses(readFileSync(join(dataDir, usesFile), "utf8"));
  } catch {
    // The recorder has not saved any use yet.
    return new Map();
  }
}

function secondsOf(word: string | undefined): number | null {
  if (word === undefined) return null;
  const [, count, unit = ""] = /^(\d{1,5})([hdw])$/.exec(word) ?? [];
  const seconds = Number(count) * ({ h: 3600, d: 86_400, w: 604_800 }[unit] ?? 0);
  if (seconds > 0) return seconds;
  throw new OperatorError(`--expires ${word} is not accepted; give a duration such as 12h, 90d or 1w`);
}

function dateOf(us: number): string {
  return `${new Date(us / 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
