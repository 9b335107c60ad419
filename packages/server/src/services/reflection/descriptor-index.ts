import { toBinary, type DescFile, type DescService } from '@bufbuild/protobuf';
import { nestedTypes } from '@bufbuild/protobuf/reflect';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';

/** Finds the files that describe services, by the names that reflection asks for. */
export class DescriptorIndex {
  readonly #services: readonly DescService[];
  readonly #files = new Map<string, DescFile>();
  readonly #fileOfSymbol = new Map<string, DescFile>();
  readonly #extensions = new Map<string, Map<number, DescFile>>();

  constructor(services: readonly DescService[]) {
    this.#services = services;
    for (const service of services) this.#addFile(service.file);
  }

  /** Full names, sorted. */
  get serviceNames(): readonly string[] {
    return this.#services.map((service) => service.typeName).sort();
  }

  /** The file and all that it imports, itself first, as serialized FileDescriptorProtos; undefined when there is none. */
  fileByName(name: string): Uint8Array[] | undefined {
    return withImports(this.#files.get(name));
  }

  /** As `fileByName`, for the file that declares a service, method, message, field, oneof, enum or enum value. */
  fileBySymbol(symbol: string): Uint8Array[] | undefined {
    return withImports(this.#fileOfSymbol.get(symbol));
  }

  /** As `fileByName`, for the file that declares an extension. */
  fileByExtension(typeName: string, number: number): Uint8Array[] | undefined {
    return withImports(this.#extensions.get(typeName)?.get(number));
  }

  /** Undefined when there is no such message. */
  extensionNumbers(typeName: string): readonly number[] | undefined {
    if (!this.#fileOfSymbol.has(typeName)) return undefined;
    return [...(this.#extensions.get(typeName)?.keys() ?? [])].sort((a, b) => a - b);
  }

  #addFile(file: DescFile): void {
    const { name } = file.proto;
    if (this.#files.has(name)) return;
    this.#files.set(name, file);
    for (const imported of file.dependencies) this.#addFile(imported);
    for (const type of nestedTypes(file)) {
      if (type.kind === 'extension') this.#addExtension(type.extendee.typeName, type.number, file);
      for (const symbol of symbolsOf(type)) this.#fileOfSymbol.set(symbol, file);
    }
  }

  #addExtension(typeName: string, number: number, file: DescFile): void {
    const ofType = this.#extensions.get(typeName) ?? new Map<number, DescFile>();
    this.#extensions.set(typeName, ofType.set(number, file));
  }
}

type Described = ReturnType<typeof nestedTypes> extends Iterable<infer T> ? T : never;

function symbolsOf(type: Described): string[] {
  const inner = (names: readonly { readonly name: string }[]): string[] =>
    names.map(({ name }) => `${type.typeName}.${name}`);
  switch (type.kind) {
    case 'service':
      return [type.typeName, ...inner(type.methods)];
    case 'message':
      return [type.typeName, ...inner(type.fields), ...inner(type.oneofs)];
    case 'enum': {
      // The values of an enum are declared beside it, not in it.
      const scope = type.typeName.slice(0, type.typeName.lastIndexOf('.') + 1);
      return [type.typeName, ...type.values.map((value) => `${scope}${value.name}`)];
    }
    case 'extension':
      return [type.typeName];
  }
}

function withImports(file: DescFile | undefined): Uint8Array[] | undefined {
  if (file === undefined) return undefined;
  const found = new Set<DescFile>();
  const visit = (next: DescFile): void => {
    if (found.has(next)) return;
    found.add(next);
    next.dependencies.forEach(visit);
  };
  visit(file);
  return [...found].map((next) => toBinary(FileDescriptorProtoSchema, next.proto));
}
