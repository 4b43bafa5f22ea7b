import { Dialog, Tabs } from 'radix-ui';
import type { ReactElement } from 'react';
import { CopyButton } from '../../shell/CopyButton';
import { Icon } from '../../shell/Icon';
import { codeOf, LANGUAGES, type Language } from './code';

/** The view in words, and as a query in the language of whoever goes on with it. */
export function CodeDialog(props: {
  words: string;
  document: string;
  onOpenInGraphiQL: () => void;
}): ReactElement {
  return (
    <Dialog.Root>
      <Dialog.Trigger asChild>
        <button type="button" className="button">
          <Icon name="code" />
          <span>Code</span>
        </button>
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Overlay className="panel-overlay" />
        <Dialog.Content className="code-dialog" aria-describedby="view-in-words">
          <header>
            <Dialog.Title>This view as code</Dialog.Title>
            <span className="spacer" />
            <Dialog.Close className="button quiet icon-only" aria-label="Close">
              <Icon name="close" />
            </Dialog.Close>
          </header>
          <p id="view-in-words">{props.words}</p>
          <Tabs.Root defaultValue={LANGUAGES[0]}>
            <Tabs.List className="segments" aria-label="Language">
              {LANGUAGES.map((language) => (
                <Tabs.Trigger key={language} value={language} className="button">
                  {language}
                </Tabs.Trigger>
              ))}
            </Tabs.List>
            {LANGUAGES.map((language) => (
              <Tabs.Content key={language} value={language} tabIndex={-1}>
                <Code language={language} {...props} />
              </Tabs.Content>
            ))}
          </Tabs.Root>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Code(props: {
  language: Language;
  document: string;
  onOpenInGraphiQL: () => void;
}): ReactElement {
  const { language } = props;
  const code = codeOf(language, props.document, `${location.origin}/graphql`);
  return (
    <div className="code">
      <pre tabIndex={0} role="region" aria-label={`The view in ${language}`}>
        {code}
      </pre>
      <div className="code-actions">
        <CopyButton text={code} />
        {language === 'GraphQL' ? (
          <button type="button" className="button" onClick={props.onOpenInGraphiQL}>
            <Icon name="play" />
            Open in GraphiQL
          </button>
        ) : (
          <span className="hint">Put your key in the place of YOUR_KEY.</span>
        )}
      </div>
    </div>
  );
}
