"""`python -m iunet_med` is `iunet-med`."""

from iunet_med.cli import main

if __name__ == "__main__":
    main()
