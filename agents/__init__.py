"""What an agent is: the YAML contract, the catalog, the registry of adapter versions."""
