"""Runs a command on a terminal of its own and types answers when it asks.

ANSWERS is JSON, a list of [question, answer]: each answer is typed when its question has been shown.
What the command shows goes to standard output; its exit code is this program's.
"""

import fcntl
import json
import os
import pty
import struct
import sys
import termios

answers = json.loads(os.environ.pop("ANSWERS"))
child, terminal = pty.fork()
if child == 0:
    # 24 lines of 120 columns: a terminal without a size has some wait for one.
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
    os.execvp(sys.argv[1], sys.argv[1:])
unseen = ""
while True:
    try:
        shown = os.read(terminal, 4096).decode(errors="replace")
    except OSError:
        break
    if not shown:
        break
    sys.stdout.write(shown)
    unseen += shown
    if answers and answers[0][0] in unseen:
        unseen = unseen.split(answers[0][0], 1)[1]
        os.write(terminal, (answers.pop(0)[1] + "\n").encode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
