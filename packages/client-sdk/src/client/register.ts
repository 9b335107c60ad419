import { encodeData } from '../codec/data.js';
import { toRegisterGuessResult, toRegisterReadResult, toRegisterWriteResult } from '../codec/results.js';
import type { CallOptions } from '../options/call-options.js';
import { badArguments, show } from '../options/validate.js';
import { attempt } from './attempt.js';
import { checkCallOptions } from './call-arguments.js';
import type { Caller } from './caller.js';
import type { ReadCallOptions, RegisterApi } from './client.js';
import { READ_OPTION_NAMES } from './read-options.js';
import type { RegisterGuessResult, RegisterReadResult, RegisterWriteResult } from './results.js';

/** {@link RegisterApi} */
export class Register implements RegisterApi {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  write(value: Uint8Array | string, options: CallOptions = {}): Promise<RegisterWriteResult> {
    return attempt(() => {
      checkCallOptions('register.write', options, []);
      const bytes = this.#encode(value);
      const command = { kind: 'registerWrite', value: bytes } as const;
      return this.#caller.write(command, undefined, bytes.byteLength, toRegisterWriteResult, options);
    });
  }

  read(options: ReadCallOptions = {}): Promise<RegisterReadResult> {
    return attempt(() => {
      checkCallOptions('register.read', options, READ_OPTION_NAMES);
      return this.#caller.read({ kind: 'register' }, undefined, toRegisterReadResult, options);
    });
  }

  guess(value: Uint8Array | string, options: CallOptions = {}): Promise<RegisterGuessResult> {
    return attempt(() => {
      checkCallOptions('register.guess', options, []);
      const bytes = this.#encode(value);
      const command = { kind: 'registerGuess', value: bytes } as const;
      return this.#caller.write(command, undefined, bytes.byteLength, toRegisterGuessResult, options);
    });
  }

  #encode(value: Uint8Array | string): Uint8Array {
    const bytes = encodeData(value, this.#caller.dispatcher.options.messageBytesMax);
    if (bytes === undefined) throw badArguments(`The value is ${show(value)}`, 'Give a string or a Uint8Array');
    return bytes;
  }
}
