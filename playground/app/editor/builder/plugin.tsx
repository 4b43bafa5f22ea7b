import type { GraphiQLPlugin } from '@graphiql/react';
import type { ReactElement } from 'react';
import { Builder } from './Builder';

/** Fields and arguments to be clicked together, beside the document that they make. */
export const BUILDER_PLUGIN: GraphiQLPlugin = {
  title: 'Query Builder',
  icon: BuilderIcon,
  content: Builder,
};

function BuilderIcon(): ReactElement {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.6" aria-hidden="true">
      <path
        strokeLinecap="round"
        strokeLinejoin="round"
        d="M4 5h5v5H4zM4 14h5v5H4zM12.500 7.500H20M12.500 16.500H20M5.500 16.300l1 1 1.700-2"
      />
    </svg>
  );
}
