import type { DescService } from '@bufbuild/protobuf';
import { Code, type ConnectRouter } from '@connectrpc/connect';
import { grpcReflectionV1, grpcReflectionV1alpha } from '@zkl/protocol';
import { DescriptorIndex } from './descriptor-index.js';

/** A request as both versions of reflection have it. */
type MessageRequest = grpcReflectionV1.ServerReflectionRequest['messageRequest'];

/** A response as both versions of reflection have it. */
type MessageResponse =
  | { case: 'fileDescriptorResponse'; value: { fileDescriptorProto: Uint8Array[] } }
  | { case: 'allExtensionNumbersResponse'; value: { baseTypeName: string; extensionNumber: number[] } }
  | { case: 'listServicesResponse'; value: { service: { name: string }[] } }
  | { case: 'errorResponse'; value: { errorCode: number; errorMessage: string } };

/**
 * gRPC server reflection, v1 and v1alpha, over any Connect router. It depends on nothing else of zkl: `services` are the descriptors to tell of; those
 * of reflection itself are added. `options` go to the router.
 */
export function addReflection(
  router: ConnectRouter,
  services: readonly DescService[],
  options: Parameters<ConnectRouter['service']>[2] = {},
): void {
  const index = new DescriptorIndex([
    ...services,
    grpcReflectionV1.ServerReflection,
    grpcReflectionV1alpha.ServerReflection,
  ]);
  router.service(
    grpcReflectionV1.ServerReflection,
    {
      serverReflectionInfo: async function* (requests) {
        for await (const request of requests) {
          yield {
            validHost: request.host,
            originalRequest: request,
            messageResponse: answer(index, request.messageRequest),
          };
        }
      },
    },
    options,
  );
  router.service(
    grpcReflectionV1alpha.ServerReflection,
    {
      serverReflectionInfo: async function* (requests) {
        for await (const request of requests) {
          yield {
            validHost: request.host,
            originalRequest: request,
            messageResponse: answer(index, request.messageRequest),
          };
        }
      },
    },
    options,
  );
}

type AnyMessageRequest = MessageRequest | grpcReflectionV1alpha.ServerReflectionRequest['messageRequest'];

function answer(index: DescriptorIndex, request: AnyMessageRequest): MessageResponse {
  switch (request.case) {
    case 'fileByFilename':
      return files(index.fileByName(request.value));
    case 'fileContainingSymbol':
      return files(index.fileBySymbol(request.value));
    case 'fileContainingExtension':
      return files(index.fileByExtension(request.value.containingType, request.value.extensionNumber));
    case 'allExtensionNumbersOfType': {
      const numbers = index.extensionNumbers(request.value);
      if (numbers === undefined) return failed(Code.NotFound, 'there is no such type');
      return {
        case: 'allExtensionNumbersResponse',
        value: { baseTypeName: request.value, extensionNumber: [...numbers] },
      };
    }
    case 'listServices':
      return { case: 'listServicesResponse', value: { service: index.serviceNames.map((name) => ({ name })) } };
    case undefined:
      return failed(Code.InvalidArgument, 'the request asks for nothing');
  }
}

function files(fileDescriptorProto: Uint8Array[] | undefined): MessageResponse {
  if (fileDescriptorProto === undefined) return failed(Code.NotFound, 'there is no such file or symbol');
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto } };
}

function failed(errorCode: Code, errorMessage: string): MessageResponse {
  return { case: 'errorResponse', value: { errorCode, errorMessage } };
}
