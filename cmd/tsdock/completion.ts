// SPDX-License-Identifier: Apache-2.0
// What a shell may put after what has been typed. The scripts only ask `tsdock __complete`, so that names are completed, too.

import { DockError } from '../../bundles/error.ts'
import { familiarText, parseReference } from '../../bundles/images/reference.ts'
import { Networks } from '../../bundles/networks/networks.ts'
import { openStorage, type Storage, storageDirectory } from '../../bundles/storage.ts'
import type { Command, CommandInvocation } from './command.ts'

const scripts: Readonly<Record<string, string>> = {
  bash: `_tsdock() {
	local cur=\${COMP_WORDS[COMP_CWORD]} cword=$COMP_CWORD words=("\${COMP_WORDS[@]}")
	# The name of an image has colons, at which bash cuts words.
	declare -F _get_comp_words_by_ref >/dev/null && _get_comp_words_by_ref -n : cur words cword
	local IFS=$'\\n'
	COMPREPLY=($(compgen -W "$(tsdock __complete "\${words[@]:1:cword-1}" 2>/dev/null)" -- "$cur"))
	declare -F __ltrim_colon_completions >/dev/null && __ltrim_colon_completions "$cur"
	return 0
}
complete -o default -F _tsdock tsdock
`,
  zsh: `#compdef tsdock
_tsdock() {
	local -a found
	found=("\${(@f)$(tsdock __complete "\${(@)words[2,CURRENT-1]}" 2>/dev/null)}")
	compadd -a found || _files
}
compdef _tsdock tsdock
`,
  fish: `function __tsdock_complete
	set -l words (commandline -opc)
	tsdock __complete $words[2..-1] 2>/dev/null
end
complete -c tsdock -n 'test (count (__tsdock_complete)) -gt 0' -f -a '(__tsdock_complete)'
`,
}

/** `tsdock completion` */
export async function runCompletion({ positionals }: CommandInvocation): Promise<number> {
  const [shell = ''] = positionals
  const script = scripts[shell]
  if (script === undefined) {
    throw new DockError(`no completion for "${shell}" (there are: ${Object.keys(scripts).join(', ')})`)
  }
  process.stdout.write(script)
  return 0
}

async function imageNames(storage: Storage): Promise<readonly string[]> {
  return (await storage.images.list()).flatMap(({ name }) =>
    name === undefined ? [] : [familiarText(parseReference(name))],
  )
}

/** What a word of the usage stands for. */
async function namesFor(usage: string): Promise<readonly string[]> {
  const wanted = [
    /CONTAINER/.test(usage)
      ? async (storage: Storage) => (await storage.containers.list()).map(({ record }) => record.name)
      : undefined,
    /IMAGE|NAME\[:TAG/.test(usage) ? imageNames : undefined,
    /NETWORK/.test(usage)
      ? async (storage: Storage) => (await new Networks(storage).store.list()).map(({ Name }) => Name)
      : undefined,
    /VOLUME/.test(usage)
      ? async (storage: Storage) => (await storage.volumes.list()).map(({ Name }) => Name)
      : undefined,
  ].filter((one) => one !== undefined)
  if (wanted.length === 0) return []
  const storage = await openStorage(storageDirectory(undefined))
  try {
    return (await Promise.all(wanted.map((names) => names(storage)))).flat()
  } finally {
    await storage.release()
  }
}

/** Candidates for the next word, one on a line. words: those that are complete. */
export async function complete(commands: readonly Command[], words: readonly string[]): Promise<readonly string[]> {
  const names = commands.flatMap(({ name, aliases }) => [name, ...(aliases ?? [])])
  const typed = words.filter((word) => !word.startsWith('-'))
  const chosen = [2, 1]
    .map((count) => typed.slice(0, count).join(' '))
    .map((name) => commands.find((one) => one.name === name || one.aliases?.includes(name)))
    .find((one) => one !== undefined)
  const next = names
    .filter((name) => typed.every((word, i) => name.split(' ')[i] === word))
    .flatMap((name) => name.split(' ')[typed.length] ?? [])
  if (chosen === undefined) return [...new Set(next)].sort()
  const flags = chosen.flags.map(({ name }) => `--${name}`)
  return [...new Set([...next, ...(await namesFor(chosen.usage)), ...flags])]
}
