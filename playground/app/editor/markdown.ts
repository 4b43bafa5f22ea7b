import { markdown } from '@graphiql/react';
import { renderedMarkdown } from '../trusted-types';

// GraphiQL shows descriptions as Markdown. Its renderer lets no markup of the text through, so what
// it makes is vouched for, where the browser asks for that.
const render = markdown.render.bind(markdown);
markdown.render = (text, env) => renderedMarkdown(render(text, env));
