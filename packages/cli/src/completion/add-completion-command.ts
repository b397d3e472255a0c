import { Argument, Command } from 'commander';
import type { Shell } from './completion-script.js';

/** Adds `completion`, which prints what a shell needs to complete the command line. To be called after all other commands. */
export function addCompletionCommand(program: Command, write: (text: string) => void): void {
  const command = new Command('completion')
    .description('print completion for a shell')
    .addArgument(new Argument('<shell>', 'which one').choices(['bash', 'zsh', 'fish', 'powershell'] satisfies Shell[]))
    .action(async (shell: Shell) => {
      // Anyone who does not ask for it does not load it.
      const [{ completionScript }, { completionWords }] = await Promise.all([
        import('./completion-script.js'),
        import('./completion-words.js'),
      ]);
      write(completionScript(shell, completionWords(program)));
    });
  program.addCommand(command);
}
