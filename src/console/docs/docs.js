// Shows the contract with the viewer, and enters the keys of the default project where this browser may use the console.
'use strict';

(() => {
  const METHODS = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options'];
  const status = document.getElementById('status');
  const NOTES = [
    ['x-not-emulated', 'Not emulated'],
    ['x-decisions', 'Decided where nothing is published'],
    ['x-differences', 'Differs from what is published'],
  ];

  const FAMILIES = ['v1', 'client', 'management', 'stickystreet', 'emulator'];
  const REGIONS = [
    ['.information-container', 'About the contract'],
    ['.scheme-container', 'Keys'],
    ['.filter.wrapper', 'Filter'],
  ];

  // The group of an operation, from its path: the API, and the resource.
  function groupOf(path) {
    const parts = path.split('/').filter((part) => part !== '');
    const rest = (count) => parts.slice(count).find((part) => !part.startsWith('{')) ?? 'other';
    if (parts[0] === 'v1') {
      return `v1: ${rest(1)}`;
    }
    if (parts[1] === 'v1') {
      return `${parts[0]}: ${rest(2)}`;
    }
    return `${parts[0].replace('_emulator', 'emulator')}: ${rest(1)}`;
  }

  // Adds to each operation what the viewer shows of it: its group, and how certain the behaviour is.
  function prepare(contract) {
    const meanings = contract['x-evidence-values'] ?? {};
    const groups = new Set();
    for (const [path, item] of Object.entries(contract.paths)) {
      for (const method of METHODS.filter((name) => item[name])) {
        const operation = item[method];
        const texts = [operation.description ?? ''];
        const evidence = operation['x-evidence'] ?? [];
        if (evidence.length > 0) {
          texts.push(`**Evidence**\n\n${evidence.map((name) => `* ${name}: ${meanings[name] ?? ''}`).join('\n')}`);
        }
        for (const [name, title] of NOTES) {
          const notes = operation[name] ?? [];
          if (notes.length > 0) {
            texts.push(`**${title}**\n\n${notes.map((note) => `* ${note}`).join('\n')}`);
          }
        }
        operation.description = texts.filter((text) => text !== '').join('\n\n');
        operation.tags ??= [groupOf(path)];
        operation.tags.forEach((tag) => groups.add(tag));
      }
    }
    const place = (name) => FAMILIES.findIndex((family) => name.startsWith(`${family}:`));
    const sorted = [...groups].sort((a, b) => place(a) - place(b) || a.localeCompare(b));
    contract.tags ??= sorted.map((name) => ({ name }));
    // Without this list, calls go to the server of this page.
    delete contract.servers;
    return contract;
  }

  // The keys and the colours of this browser. Without a sign-in where one is needed, the answer is another page, and there are none.
  async function readSettings() {
    const response = await fetch('/_emulator/console/docs/settings', { headers: { Accept: 'application/json' } });
    const isOwn = response.ok && !response.redirected && response.headers.get('Content-Type')?.startsWith('application/json');
    return isOwn ? response.json() : { theme: 'system', keys: {} };
  }

  function setColours(theme) {
    const system = matchMedia('(prefers-color-scheme: dark)');
    const apply = () => {
      const isDark = theme === 'dark' || (theme !== 'light' && system.matches);
      document.documentElement.classList.toggle('dark-mode', isDark);
    };
    system.addEventListener('change', apply);
    apply();
  }

  // Names the controls that the viewer leaves without a name, and makes scrolling areas reachable by keyboard.
  function completeControls(root) {
    for (const control of root.querySelectorAll('textarea, select')) {
      if (!control.hasAttribute('aria-label') && (control.labels?.length ?? 0) === 0) {
        const parameter = control.closest('tr[data-param-name]')?.dataset.paramName;
        control.setAttribute('aria-label', parameter ?? (control.matches('textarea') ? 'Request body' : 'Media type'));
      }
    }
    // What stands outside of the viewer's main area becomes a named region.
    for (const [selector, label] of REGIONS) {
      for (const part of root.querySelectorAll(`${selector}:not([role])`)) {
        part.setAttribute('role', 'region');
        part.setAttribute('aria-label', label);
      }
    }
    // The answers of each operation are a region too. Their names must differ.
    for (const table of root.querySelectorAll('table.responses-table[role="region"]:not([aria-label])')) {
      const operation = table.closest('.opblock')?.querySelector('.opblock-summary-operation-id')?.textContent;
      table.setAttribute('aria-label', `Answers of ${operation ?? 'the operation'}`);
    }
    // The title of the contract is below the title of the page.
    root.querySelector('.info .title')?.setAttribute('aria-level', '2');
    for (const area of root.querySelectorAll('pre.microlight:not([tabindex])')) {
      area.tabIndex = 0;
    }
  }

  async function start() {
    const [response, settings] = await Promise.all([fetch('/_emulator/openapi.json'), readSettings()]);
    setColours(settings.theme);
    const names = Object.keys(settings.keys);
    const root = document.getElementById('viewer');
    new MutationObserver(() => completeControls(root)).observe(root, { childList: true, subtree: true });
    const viewer = SwaggerUIBundle({
      spec: prepare(await response.json()),
      dom_id: '#viewer',
      layout: 'BaseLayout',
      // With it, the viewer puts links into buttons, which screen readers and keyboards cannot use.
      deepLinking: false,
      displayOperationId: true,
      displayRequestDuration: true,
      docExpansion: 'none',
      defaultModelsExpandDepth: 0,
      filter: true,
      persistAuthorization: false,
      tryItOutEnabled: true,
      validatorUrl: null,
      onComplete: () => {
        for (const name of names) {
          viewer.preauthorizeApiKey(name, settings.keys[name]);
        }
        status.textContent = names.length > 0
          ? 'Each operation has a form that sends the call with the keys of the default project. Other keys are entered with “Authorize”.'
          : 'Each operation has a form that sends the call. Enter keys with “Authorize” first.';
      },
    });
  }

  start().catch((error) => {
    status.textContent = `The reference cannot be shown: ${error.message}`;
  });
})();
