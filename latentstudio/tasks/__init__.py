"""What a person can ask for, each wish carried out once and without Qt; window, command line and scripts only show."""
