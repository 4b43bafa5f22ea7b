import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useEffect, useRef } from 'react';
import { setActiveTab } from './answers';
import { takeQuery, useEditorRequests } from './requests';

/** Carries out what the rest of the page asks of GraphiQL. Shows nothing. */
export function Bridge(): null {
  const actions = useGraphiQLActions();
  const { tabs, activeTabIndex, queryEditor, variableEditor } = useGraphiQL((state) => ({
    tabs: state.tabs,
    activeTabIndex: state.activeTabIndex,
    queryEditor: state.queryEditor,
    variableEditor: state.variableEditor,
  }));
  const { query, schemaRevision } = useEditorRequests();

  const activeTab = tabs[activeTabIndex]?.id ?? '';
  useEffect(() => {
    setActiveTab(activeTab);
    // A subscription writes into the tab that is open: it ends with the tab that began it.
    return () => actions.stop();
  }, [activeTab, actions]);

  useEffect(() => {
    // The variables editor comes last, and would put its own text over what is set too early.
    if (query === null || !queryEditor || !variableEditor) return;
    const wanted = takeQuery();
    if (wanted === null) return;
    const { document, variables = '' } = wanted;
    const open = tabs.findIndex(
      (tab) =>
        tab.query?.trim() === document.trim() && (tab.variables ?? '').trim() === variables.trim(),
    );
    if (open >= 0) {
      if (open !== activeTabIndex) actions.changeTab(open);
    } else {
      if (queryEditor.getValue().trim() !== '') actions.addTab();
      queryEditor.setValue(document);
      variableEditor.setValue(variables);
    }
    queryEditor.focus();
  }, [query, queryEditor, variableEditor, tabs, activeTabIndex, actions]);

  useEffect(mendTabRoles, [tabs, activeTabIndex]);

  const introspectedRevision = useRef(schemaRevision);
  useEffect(() => {
    if (introspectedRevision.current === schemaRevision) return;
    introspectedRevision.current = schemaRevision;
    void actions.introspect();
  }, [schemaRevision, actions]);

  return null;
}

/**
 * GraphiQL's tabs hold buttons, which the role `tab` forbids: a screen reader sees no button to
 * close one. A list of buttons, the current one marked, says what is there.
 */
function mendTabRoles(): void {
  for (const list of document.querySelectorAll('.graphiql-tabs')) {
    list.setAttribute('role', 'list');
    for (const item of list.querySelectorAll('.graphiql-tab')) {
      item.setAttribute('role', 'listitem');
      item.removeAttribute('aria-selected');
      const isCurrent = item.classList.contains('graphiql-tab-active');
      item.querySelector('.graphiql-tab-button')?.setAttribute('aria-current', String(isCurrent));
    }
  }
  const panel = document.getElementById('graphiql-session');
  panel?.setAttribute('role', 'region');
}
