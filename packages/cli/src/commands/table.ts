import { benchCommand } from './bench-command.js';
import { clusterCommands } from './cluster-commands.js';
import { clusterFaultCommands } from './cluster-fault-commands.js';
import type { CommandSpec } from './command.js';
import { helpCommand } from './help-command.js';
import { jobCommands } from './job-commands.js';
import { electCommand } from './elect-command.js';
import { listCommand } from './list-command.js';
import { lockCommand } from './lock-command.js';
import { ownSessionCommand } from './own-session-command.js';
import { registerCommands } from './register-commands.js';
import { sessionCommands } from './session-commands.js';
import { subtreeCommands } from './subtree-commands.js';
import { transactionCommand } from './transaction/transaction-command.js';
import { treeCommands } from './tree-commands.js';
import { watchCommand } from './watch-commands.js';

/** All commands, in the order in which `help` lists them. */
export const commandTable: readonly CommandSpec[] = [
  ...registerCommands,
  listCommand,
  ...treeCommands,
  ...subtreeCommands,
  watchCommand,
  transactionCommand,
  ownSessionCommand,
  lockCommand,
  electCommand,
  benchCommand,
  ...jobCommands,
  ...sessionCommands.filter(({ name }) => name !== 'exit'),
  ...clusterCommands.slice(0, 2),
  ...clusterFaultCommands,
  ...clusterCommands.slice(2),
  helpCommand(() => commandTable),
  ...sessionCommands.filter(({ name }) => name === 'exit'),
];
