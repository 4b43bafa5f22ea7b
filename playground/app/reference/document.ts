/** A schema of OpenAPI 3.1, as far as this server uses it. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  description?: string;
  enum?: unknown[];
  examples?: unknown[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  oneOf?: Schema[];
  minimum?: number;
  maximum?: number;
}

type Content = Record<string, { schema?: Schema }>;

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  description?: string;
  schema?: Schema;
  content?: Content;
}

interface Response {
  $ref?: string;
  description?: string;
  content?: Content;
}

interface RawOperation {
  operationId: string;
  summary: string;
  description?: string;
  tags?: string[];
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Content };
  responses: Record<string, Response>;
}

interface SecurityScheme {
  type: string;
  scheme?: string;
  name?: string;
  description?: string;
}

/** What `/openapi.json` answers. */
export interface OpenApi {
  info: { title: string; version: string; description?: string };
  tags?: { name: string; description?: string }[];
  paths: Record<string, Record<string, RawOperation>>;
  components: {
    schemas: Record<string, Schema>;
    responses: Record<string, Response>;
    securitySchemes: Record<string, SecurityScheme>;
  };
}

/** A method of a path. */
export interface Operation extends RawOperation {
  method: string;
  path: string;
}

/** The operations of a dataset, or of the catalog. */
export interface Group {
  tag: string;
  description: string | null;
  operations: Operation[];
}

/** Operations that have all these words in them, by what they are about. */
export function groupsOf(document: OpenApi, words: string): Group[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const groups = new Map<string, Group>();
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags?.[0] ?? 'more';
      const text = `${method} ${path} ${tag} ${operation.operationId} ${operation.summary}`;
      if (!wanted.every((word) => text.toLowerCase().includes(word))) continue;
      let group = groups.get(tag);
      if (group === undefined) {
        const described = document.tags?.find(({ name }) => name === tag);
        group = { tag, description: described?.description ?? null, operations: [] };
        groups.set(tag, group);
      }
      group.operations.push({ ...operation, method: method.toUpperCase(), path });
    }
  }
  return [...groups.values()];
}

/** The last word of a reference: a schema's name, an answer's. */
export function nameOf(ref: string): string {
  return ref.slice(ref.lastIndexOf('/') + 1);
}

/** The schema itself where another is referred to. */
export function resolve(document: OpenApi, schema: Schema): Schema {
  return schema.$ref === undefined
    ? schema
    : (document.components.schemas[nameOf(schema.$ref)] ?? {});
}

/** The schema of a parameter, of a body, of an answer: of its first media type. */
export function schemaIn(content: Content | undefined): Schema | null {
  return Object.values(content ?? {})[0]?.schema ?? null;
}

export function mediaTypeIn(content: Content | undefined): string | null {
  return Object.keys(content ?? {})[0] ?? null;
}

/** An answer that an operation may give; what all operations share is looked up. */
export interface Answer {
  status: number;
  description: string;
  mediaType: string | null;
  schema: Schema | null;
}

export function answersOf(document: OpenApi, operation: Operation): Answer[] {
  return Object.entries(operation.responses).map(([status, response]) => {
    const { $ref } = response;
    const meant =
      $ref === undefined ? response : (document.components.responses[nameOf($ref)] ?? response);
    return {
      status: Number(status),
      description: meant.description ?? '',
      mediaType: mediaTypeIn(meant.content),
      schema: schemaIn(meant.content),
    };
  });
}
