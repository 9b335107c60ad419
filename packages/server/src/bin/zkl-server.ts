#!/usr/bin/env node
import { Command } from 'commander';
import { VERSION } from '../version.js';
import { tuneV8 } from './tune-v8.js';
import { addConfigCommands } from './config-command.js';
import { addInspectCommand } from './inspect-command.js';
import { addRunCommand } from './run-command.js';
import { exitWith } from './exit.js';

tuneV8();

const program = new Command('zkl-server')
  .description('A server of zkl, a distributed coordination service.')
  .version(VERSION)
  .showHelpAfterError('(zkl-server run --help lists the options)')
  .exitOverride();
addRunCommand(program);
addInspectCommand(program);
addConfigCommands(program);

try {
  await program.parseAsync();
} catch (error) {
  exitWith(error);
}
