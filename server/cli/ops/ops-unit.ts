import { resolve } from "node:path";
import unit from "../../../ops/systemd/rt-data.service" with { type: "text" };
import { type Config, secretKeys } from "../../config/config.ts";
import { OperatorError } from "../../platform/errors.ts";
import { fillTemplate } from "./ops-site.ts";

/** The state folder of the service. The unit must grant access to a data folder elsewhere. */
const stateDir = "/var/lib/rt-data";
/** Folders that ProtectHome hides. */
const homes = ["/home", "/root", "/run/user"];

/** Returns the systemd unit for a config, a user and an executable. @throws OperatorError for names that a unit cannot contain */
export function unitOf(config: Config, { user, executable }: { user: string; executable: string }): string {
  if (!/^[a-z_][a-z0-9_-]{0,30}$/.test(user))
    throw new OperatorError(`--user ${JSON.stringify(user)} is not a valid user name; give a name such as rt-data`);
  if (!executable.startsWith("/"))
    throw new OperatorError(
      `--executable ${JSON.stringify(executable)} is not an absolute path; give ${resolve(executable)}`,
    );
  // systemd rejects these characters in the path of a program. An upgrade starts the program by the same path.
  if (/["'\\$]/.test(executable))
    throw new OperatorError(
      `--executable ${JSON.stringify(executable)} contains a quotation mark, a backslash or a dollar sign, which systemd rejects; choose another path`,
    );
  // A relative data folder is relative to the service's state folder.
  const dataDir = resolve(stateDir, config.record.data_dir);
  return fillTemplate(unit, {
    user,
    executable: quoted(executable),
    // In the arguments of a command, and only there, a dollar sign begins a variable.
    config: quoted(config.file === null ? "/etc/rt-data/rt-data.toml" : resolve(config.file)).replaceAll("$", "$$$$"),
    data_dir: quoted(dataDir),
    writable: writable(dataDir),
    credentials: secretKeys.map(credential).join("\n"),
  });
}

function writable(dataDir: string): string {
  const isIn = (folder: string) => dataDir === folder || dataDir.startsWith(`${folder}/`);
  if (isIn(stateDir)) return "ProtectHome=yes";
  if (homes.some(isIn)) return `ProtectHome=tmpfs\nBindPaths=${quoted(dataDir)}`;
  return `ProtectHome=yes\nReadWritePaths=${quoted(dataDir)}`;
}

/** Returns the two lines that pass a secret to the service. Its file is named after the setting. */
function credential(key: string): string {
  const name = key.replace(".", "_");
  const variable = `RT_DATA_${name.toUpperCase()}_FILE`;
  return `LoadCredential=${name}:/etc/rt-data/credentials/${name}\nEnvironment=${variable}=/run/credentials/rt-data.service/${name}`;
}

/** Quotes a path for systemd.syntax(7): % begins a specifier, a space ends a word, a backslash begins an escape. */
function quoted(path: string): string {
  if (/[\p{Cc}\p{Cs}]/u.test(path))
    throw new OperatorError(
      `${JSON.stringify(path)} contains characters that a unit cannot contain; choose another path`,
    );
  const escaped = path.replaceAll("%", "%%");
  return /^[\w@%+=:,./-]*$/.test(escaped) ? escaped : `"${escaped.replaceAll(/["\\]/g, "\\$&")}"`;
}
