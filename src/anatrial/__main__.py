"""``python -m anatrial``."""

from anatrial.cli import main

if __name__ == "__main__":
    main()
