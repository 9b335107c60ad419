import { create } from '@bufbuild/protobuf';
import { GuessRequestSchema, ReadRequestSchema, RegisterService, WriteRequestSchema } from '@zkl/protocol';
import { requireHeader } from '../calls/operation.js';
import { encodeData } from '../codec/data.js';
import { toRegisterGuessResult, toRegisterReadResult, toRegisterWriteResult } from '../codec/register-codec.js';
import type { CallOptions } from '../options/call-options.js';
import { badArguments, show } from '../options/validate.js';
import { checkCallOptions } from './call-arguments.js';
import type { ReadCallOptions, RegisterApi } from './client.js';
import type { Dispatcher } from './dispatcher.js';
import { READ_OPTION_NAMES, resolveRead } from './read-options.js';
import type { RegisterGuessResult, RegisterReadResult, RegisterWriteResult } from './results.js';

/** {@link RegisterApi} */
export class Register implements RegisterApi {
  readonly #dispatcher: Dispatcher;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  async write(value: Uint8Array | string, options: CallOptions = {}): Promise<RegisterWriteResult> {
    checkCallOptions('register.write', options, []);
    const bytes = this.#encode(value);
    return this.#dispatcher.write(
      {
        method: RegisterService.method.write,
        bytes: bytes.byteLength,
        request: (writeId) => create(WriteRequestSchema, { writeId, value: bytes }),
        view: (reply) => requireHeader(reply.header),
        result: toRegisterWriteResult,
      },
      options,
    );
  }

  async read(options: ReadCallOptions = {}): Promise<RegisterReadResult> {
    checkCallOptions('register.read', options, READ_OPTION_NAMES);
    const { route, read } = resolveRead(this.#dispatcher, options);
    return this.#dispatcher.read(
      {
        method: RegisterService.method.read,
        route,
        request: () => create(ReadRequestSchema, { read: read() }),
        view: (reply) => requireHeader(reply.header),
        result: toRegisterReadResult,
      },
      options,
    );
  }

  async guess(value: Uint8Array | string, options: CallOptions = {}): Promise<RegisterGuessResult> {
    checkCallOptions('register.guess', options, []);
    const bytes = this.#encode(value);
    return this.#dispatcher.write(
      {
        method: RegisterService.method.guess,
        bytes: bytes.byteLength,
        request: (writeId) => create(GuessRequestSchema, { writeId, value: bytes }),
        view: (reply) => requireHeader(reply.header),
        result: toRegisterGuessResult,
      },
      options,
    );
  }

  #encode(value: Uint8Array | string): Uint8Array {
    const bytes = encodeData(value, this.#dispatcher.options.messageBytesMax);
    if (bytes === undefined) throw badArguments(`The value is ${show(value)}`, 'Give a string or a Uint8Array');
    return bytes;
  }
}
