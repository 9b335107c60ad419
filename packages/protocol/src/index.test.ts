import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as entry from './index.js';

const folder = new URL('./gen/zkl/v1/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('_pb.ts'));

describe('the entry', () => {
  it.each(files)('exports everything of %s', async (name) => {
    const generated = (await import(/* @vite-ignore */ new URL(name, folder).pathname)) as Record<string, unknown>;
    expect(Object.keys(generated)).not.toEqual([]);
    expect(entry).toMatchObject(generated);
  });

  it('keeps the two versions of reflection apart', () => {
    expect(entry.grpcReflectionV1.ServerReflection.typeName).toBe('grpc.reflection.v1.ServerReflection');
    expect(entry.grpcReflectionV1alpha.ServerReflection.typeName).toBe('grpc.reflection.v1alpha.ServerReflection');
    expect(entry.grpcHealthV1.Health.typeName).toBe('grpc.health.v1.Health');
  });
});
