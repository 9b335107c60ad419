import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import {
  Client,
  credentials,
  loadPackageDefinition,
  status as GrpcStatus,
  type GrpcObject,
  type ServiceClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { ErrorDetailSchema, grpcHealthV1, grpcReflectionV1, grpcReflectionV1alpha, Outcome } from '@zkl/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cleanup, startCluster, startServer, until } from './support.js';

const cleanup = new Cleanup();
let target = '';
beforeAll(async () => {
  const { server } = await startServer(cleanup);
  target = `127.0.0.1:${server.address.port}`;
});
afterAll(() => cleanup[Symbol.asyncDispose]());

function clientOf(owner: Cleanup, at: string): Client {
  const client = new Client(at, credentials.createInsecure());
  owner.add(() => client.close());
  return client;
}

function unary<I extends DescMessage, O extends DescMessage>(
  client: Client,
  path: string,
  [input, output]: [I, O],
  request: MessageInitShape<I>,
): Promise<MessageShape<O>> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      (message: MessageShape<I>) => Buffer.from(toBinary(input, message)),
      (bytes) => fromBinary(output, bytes),
      create(input, request),
      { deadline: Date.now() + 10_000 } as never,
      (error, reply) => (error === null ? resolve(reply as MessageShape<O>) : reject(error)),
    );
  });
}

/** Asks a reflection service a few things, over one stream. */
async function reflect<I extends DescMessage, O extends DescMessage>(
  client: Client,
  path: string,
  [input, output]: [I, O],
  requests: readonly MessageInitShape<I>[],
): Promise<MessageShape<O>[]> {
  const call = client.makeBidiStreamRequest(
    path,
    (message: MessageShape<I>) => Buffer.from(toBinary(input, message)),
    (bytes) => fromBinary(output, bytes),
  );
  const replies: MessageShape<O>[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    call.on('data', (reply: MessageShape<O>) => replies.push(reply));
    call.on('end', resolve);
    call.on('error', reject);
  });
  for (const request of requests) call.write(create(input, request));
  call.end();
  await ended;
  return replies;
}

const V1 = [
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
  [grpcReflectionV1.ServerReflectionRequestSchema, grpcReflectionV1.ServerReflectionResponseSchema],
] as const;
const V1ALPHA = [
  '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo',
  [grpcReflectionV1alpha.ServerReflectionRequestSchema, grpcReflectionV1alpha.ServerReflectionResponseSchema],
] as const;

const NAMES = [
  'grpc.health.v1.Health',
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
  'zkl.v1.ClusterService',
  'zkl.v1.RegisterService',
  'zkl.v1.SessionService',
  'zkl.v1.WatchService',
  'zkl.v1.ZnodeService',
];

describe('reflection', () => {
  it('lists the services, and knows files and symbols, in v1 and in v1alpha', async () => {
    const client = clientOf(cleanup, target);
    const requests = [
      { messageRequest: { case: 'listServices', value: '' } },
      { messageRequest: { case: 'fileByFilename', value: 'zkl/v1/common.proto' } },
      { messageRequest: { case: 'fileContainingSymbol', value: 'zkl.v1.ZnodeService.Create' } },
      { messageRequest: { case: 'fileContainingSymbol', value: 'zkl.v1.Stat.czxid' } },
      { messageRequest: { case: 'fileContainingSymbol', value: 'zkl.v1.ROLE_LEADING' } },
      { messageRequest: { case: 'fileContainingSymbol', value: 'zkl.v1.Nothing' } },
      { messageRequest: { case: 'allExtensionNumbersOfType', value: 'zkl.v1.Stat' } },
      {},
    ] as const;
    const replies = [
      await reflect(client, V1[0], [...V1[1]], requests),
      await reflect(client, V1ALPHA[0], [...V1ALPHA[1]], requests),
    ];
    for (const [services, common, create_, field, role, nothing, extensions, empty] of replies) {
      expect(services?.messageResponse).toMatchObject({ value: { service: NAMES.map((name) => ({ name })) } });
      for (const [reply, file] of [
        [common, 'zkl/v1/common.proto'],
        [create_, 'zkl/v1/znode.proto'],
        [field, 'zkl/v1/znode.proto'],
        [role, 'zkl/v1/cluster.proto'],
      ] as const) {
        const response = reply?.messageResponse;
        if (response?.case !== 'fileDescriptorResponse') throw new Error(`no file for ${file}`);
        const [first] = response.value.fileDescriptorProto;
        expect(fromBinary(FileDescriptorProtoSchema, first!).name).toBe(file);
      }
      expect(nothing?.messageResponse).toMatchObject({
        case: 'errorResponse',
        value: { errorCode: GrpcStatus.NOT_FOUND },
      });
      expect(extensions?.messageResponse).toMatchObject({
        value: { baseTypeName: 'zkl.v1.Stat', extensionNumber: [] },
      });
      expect(empty?.messageResponse).toMatchObject({
        case: 'errorResponse',
        value: { errorCode: GrpcStatus.INVALID_ARGUMENT },
      });
    }
  });

  it('is enough to make a client of, with nothing else known', async () => {
    const client = clientOf(cleanup, target);
    const [reply] = await reflect(
      client,
      V1[0],
      [...V1[1]],
      [{ messageRequest: { case: 'fileContainingSymbol', value: 'zkl.v1.ZnodeService' } }],
    );
    if (reply?.messageResponse.case !== 'fileDescriptorResponse') throw new Error('no file');
    const file = reply.messageResponse.value.fileDescriptorProto.map((bytes) =>
      fromBinary(FileDescriptorProtoSchema, bytes),
    );
    const set = toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file }));
    const definition = loadFileDescriptorSetFromBuffer(Buffer.from(set), { longs: String });
    const { ZnodeService } = (loadPackageDefinition(definition)['zkl'] as GrpcObject)['v1'] as GrpcObject;
    const service = new (ZnodeService as ServiceClientConstructor)(target, credentials.createInsecure());
    cleanup.add(() => service.close());
    const call = (method: string, request: object): Promise<Record<string, unknown>> =>
      new Promise((resolve, reject) => {
        (
          service[method] as (
            request: object,
            done: (error: Error | null, reply: Record<string, unknown>) => void,
          ) => void
        ).call(service, request, (error, answer) => (error === null ? resolve(answer) : reject(error)));
      });
    expect(await call('create', { path: '/by-reflection', data: Buffer.from('1') })).toMatchObject({
      path: '/by-reflection',
    });
    expect(await call('get', { path: '/by-reflection' })).toMatchObject({ data: Buffer.from('1') });
    const error = await call('get', { path: '/no/such' }).then(
      () => undefined,
      (reason: unknown) => reason as ServiceError,
    );
    expect(error).toMatchObject({ code: GrpcStatus.NOT_FOUND });
    // The message holds no slash for gRPC to mangle; the path is in the typed detail.
    expect(error!.details).toMatch(/^NO_NODE: The node/);
    const detail = error!.metadata.get('grpc-status-details-bin')[0] as Buffer;
    const inner = detail.subarray(detail.indexOf('zkl.v1.ErrorDetail') + 'zkl.v1.ErrorDetail'.length + 2);
    expect(fromBinary(ErrorDetailSchema, inner)).toMatchObject({
      code: 'NO_NODE',
      number: -101,
      path: '/no/such',
      outcome: Outcome.REJECTED,
    });
  });
});

const CHECK = [grpcHealthV1.HealthCheckRequestSchema, grpcHealthV1.HealthCheckResponseSchema] as [
  typeof grpcHealthV1.HealthCheckRequestSchema,
  typeof grpcHealthV1.HealthCheckResponseSchema,
];
const Serving = grpcHealthV1.HealthCheckResponse_ServingStatus;

describe('health', () => {
  it('knows each service, and says that it does not know others', async () => {
    const client = clientOf(cleanup, target);
    for (const service of ['', 'zkl.v1.ZnodeService', 'zkl.v1.RegisterService', 'zkl.v1.ClusterService']) {
      expect(await unary(client, '/grpc.health.v1.Health/Check', CHECK, { service })).toMatchObject({
        status: Serving.SERVING,
      });
    }
    await expect(unary(client, '/grpc.health.v1.Health/Check', CHECK, { service: 'none' })).rejects.toMatchObject({
      code: GrpcStatus.NOT_FOUND,
    });
    const list = await unary(
      client,
      '/grpc.health.v1.Health/List',
      [grpcHealthV1.HealthListRequestSchema, grpcHealthV1.HealthListResponseSchema],
      {},
    );
    expect(Object.keys(list.statuses)).toHaveLength(6);
  });

  it('follows the quorum, tells watchers of each change, and of the end', async () => {
    await using own = new Cleanup();
    const cluster = await startCluster(own, 3);
    const client = clientOf(own, cluster.members[1]!);
    const watch = (service: string): { statuses: number[]; ended: Promise<number> } => {
      const call = client.makeServerStreamRequest(
        '/grpc.health.v1.Health/Watch',
        (message: MessageShape<(typeof CHECK)[0]>) => Buffer.from(toBinary(CHECK[0], message)),
        (bytes) => fromBinary(CHECK[1], bytes),
        create(CHECK[0], { service }),
      );
      const statuses: number[] = [];
      const ended = new Promise<number>((resolve) => call.on('error', (error: ServiceError) => resolve(error.code)));
      call.on('data', (reply: MessageShape<(typeof CHECK)[1]>) => statuses.push(reply.status));
      return { statuses, ended };
    };
    const tree = watch('zkl.v1.ZnodeService');
    const members = watch('zkl.v1.ClusterService');
    const unknown = watch('none');
    await until(
      'the first status',
      () => tree.statuses.length === 1 && members.statuses.length === 1 && unknown.statuses.length === 1,
    );
    expect([tree.statuses, members.statuses, unknown.statuses]).toEqual([
      [Serving.SERVING],
      [Serving.SERVING],
      [Serving.SERVICE_UNKNOWN],
    ]);
    for (const id of [2, 3]) await cluster.servers.get(id)!.stop({ graceful: false });
    await until('the loss of the quorum', () => tree.statuses.includes(Serving.NOT_SERVING));
    await expect(unary(client, '/grpc.health.v1.Health/Check', CHECK, {})).resolves.toMatchObject({
      status: Serving.NOT_SERVING,
    });
    await cluster.start(2);
    await until('the quorum to be back', () => tree.statuses.length === 3);
    expect(tree.statuses).toEqual([Serving.SERVING, Serving.NOT_SERVING, Serving.SERVING]);
    await cluster.servers.get(1)!.stop();
    expect(await tree.ended).toBe(GrpcStatus.UNAVAILABLE);
    expect(tree.statuses.at(-1)).toBe(Serving.NOT_SERVING);
    expect(members.statuses).toEqual([Serving.SERVING, Serving.NOT_SERVING]);
  });
});
