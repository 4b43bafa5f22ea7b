import type { FieldNode, GraphQLField, GraphQLInputType, ValueNode } from 'graphql';
import { createContext, useContext } from 'react';
import type { FieldPath } from './edit';

/** What a click somewhere in the tree does to the document. */
export interface Edits {
  change: (
    path: FieldPath,
    change: (
      field: FieldNode | undefined,
      definition: GraphQLField<unknown, unknown>,
    ) => FieldNode | null,
  ) => void;
  /** Puts a variable in the place of an argument's value, which becomes its default. */
  makeVariable: (path: FieldPath, name: string, type: GraphQLInputType, value: ValueNode) => void;
}

const Context = createContext<Edits>({ change: () => undefined, makeVariable: () => undefined });

export const BuilderEdits = Context.Provider;

export function useEdits(): Edits {
  return useContext(Context);
}
