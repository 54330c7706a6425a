import type { BotCommand, MenuCommand } from "./command.ts";
import { ackCommand, alertsCommand, unackCommand } from "./commands/alerts.ts";
import { bookCommand } from "./commands/book.ts";
import { chartCommand } from "./commands/chart.ts";
import { delayCommand } from "./commands/delay.ts";
import { diskCommand } from "./commands/disk.ts";
import { gapsCommand } from "./commands/gaps.ts";
import { helpCommand, startCommand } from "./commands/help.ts";
import { logsCommand } from "./commands/logs.ts";
import { muteCommand, unmuteCommand } from "./commands/mute.ts";
import { statusCommand } from "./commands/status.ts";
import { symbolsCommand } from "./commands/symbols.ts";
import { todayCommand } from "./commands/today.ts";
import { verifyCommand } from "./commands/verify.ts";

/** Every command of the bot, in the order of the menu. */
export const botCommands: readonly BotCommand[] = [
  statusCommand,
  symbolsCommand,
  bookCommand,
  chartCommand,
  delayCommand,
  gapsCommand,
  diskCommand,
  todayCommand,
  alertsCommand,
  ackCommand,
  unackCommand,
  muteCommand,
  unmuteCommand,
  verifyCommand,
  logsCommand,
  helpCommand,
  startCommand,
];

/** The commands that the menu and the help list. */
export const menuCommands: readonly MenuCommand[] = botCommands.flatMap(({ name, about }) =>
  about === null ? [] : [{ name, about }],
);
