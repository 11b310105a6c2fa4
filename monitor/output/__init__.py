"""What was counted, shown: to a person, to a pipe, to a program."""
