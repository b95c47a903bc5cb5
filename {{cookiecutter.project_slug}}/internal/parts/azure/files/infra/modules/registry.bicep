// The registry that workspaces share: a service in production loads its models from here.
param registryName string
param location string
param project string

resource registry 'Microsoft.MachineLearningServices/registries@2025-06-01' = {
  name: registryName
  location: location
  tags: {
    project: project
  }
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    publicNetworkAccess: 'Enabled'
    regionDetails: [
      {
        location: location
        acrDetails: [
          {
            systemCreatedAcrAccount: {
              acrAccountSku: 'Premium' // the only one that Azure ML takes
            }
          }
        ]
        storageAccountDetails: [
          {
            systemCreatedStorageAccount: {
              storageAccountType: 'Standard_ZRS'
              storageAccountHnsEnabled: false
              allowBlobPublicAccess: false
            }
          }
        ]
      }
    ]
  }
}

output registryName string = registry.name
