"""The pages under docs/ are run: every command in them, in order, as a reader would type it.

How a page says what is to be done with a block of commands, on the line before it:

    <!-- not run: needs a Docker engine -->    the reason why no test can run it
    <!-- run: exits 1 -->                      another exit code than 0 is right
    <!-- run: exits 0, on a slow machine 1 --> either is, of a command that measures
    <!-- run: for 5 s -->                      ended by Ctrl-C, as the reader would
    <!-- run: in the background -->            a terminal of its own, until the page's end

A block without such a line is run, and each of its commands must succeed. A block ```text right
after it is what the reader sees: its lines must appear in that order, where any number stands
for any other, and … for anything.

A block whose first line is the comment `# config/kafka.yaml` is written to that file.
"""
