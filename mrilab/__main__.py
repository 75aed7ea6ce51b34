from mrilab.cli import main

main()
