# Runs a program in a terminal of its own, types there what comes on standard input, and closes it when that ends. Prints what
# the terminal shows, and ends as the program does: with its exit code, or 128 + the signal that has ended it.
import os, pty, select, sys

pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
watched = [0, terminal]
while 0 in watched:
    for source in select.select(watched, [], [])[0]:
        try:
            data = os.read(source, 65536)
        except OSError:  # No stream of the program is at its terminal.
            data = b''
        if data == b'':
            watched.remove(source)
        else:
            os.write(1 if source == terminal else terminal, data)
os.close(terminal)
_, status = os.waitpid(pid, 0)
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
