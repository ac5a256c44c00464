"""Where everything meets: settings, processes, logs, metrics, the command line.

Here: wiring.
Never here: anything another package would want to import.
"""
